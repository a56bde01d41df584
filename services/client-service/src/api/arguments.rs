//! Validation of arguments, before a service is called.

use async_graphql::{Context, ID};
use domain::ValidationError;
use domain::value::{CategoryName, EntityId, Price, ProductName, UserId};
use graphql_http::{ApiError, Code, Decimal, FieldError, ReplacedNumbers};

/// The maximum of `limit` and `perPage`, and the length of lists without them.
const MAX_ROWS: i32 = 500;
/// The default of `limit`.
const DEFAULT_ROWS: i32 = 100;
const MAX_TERM_CHARS: usize = 255;
/// Above the maximum price.
const BEYOND_PRICES: f64 = 1e9;

/// Validates an id.
pub fn id(field: &str, value: &ID) -> Result<String, ApiError> {
    let id = EntityId::parse(field, value).map_err(broken)?;
    Ok(id.as_str().to_owned())
}

/// The values of a list of 1 to `max` of them, each with the name of its place, such as `ids[3]`.
///
/// # Errors
/// The list is empty or too long.
pub fn list<'a, T>(
    field: &'a str,
    max: usize,
    values: &'a [T],
) -> Result<impl Iterator<Item = (String, &'a T)>, ApiError> {
    if !(1..=max).contains(&values.len()) {
        let rule = format!("must have 1 to {max} items, got {}", values.len());
        return Err(ApiError::invalid(field, rule));
    }
    let places = (0..values.len()).map(move |index| format!("{field}[{index}]"));
    Ok(places.zip(values))
}

/// Validates a user id.
pub fn user_id(field: &str, value: &ID) -> Result<String, ApiError> {
    let id = UserId::parse(field, value).map_err(broken)?;
    Ok(id.as_str().to_owned())
}

/// Validates the name of a category.
pub fn category_name(value: &str) -> Result<String, ApiError> {
    let name = CategoryName::parse("name", value).map_err(broken)?;
    Ok(name.as_str().to_owned())
}

/// Validates the name of a product.
pub fn product_name(value: &str) -> Result<String, ApiError> {
    let name = ProductName::parse("name", value).map_err(broken)?;
    Ok(name.as_str().to_owned())
}

/// The text of a price. One that a JSON or GraphQL parser would have rounded is validated, and rejected, as it was written.
pub fn price(context: &Context<'_>, field: &str, value: Decimal) -> Result<String, ApiError> {
    let text = value.into_text();
    let replaced = context.data_opt::<ReplacedNumbers>();
    let Some(written) = replaced.and_then(|all| all.written(&text)) else {
        return Ok(text);
    };
    Price::parse(field, written).map_err(broken)?;
    Ok(written.to_owned())
}

/// A bound of a price range with all its digits. Bounds beyond the range of prices are all equivalent.
pub fn price_limit(value: f64) -> String {
    value.clamp(-BEYOND_PRICES, BEYOND_PRICES).to_string()
}

fn broken(error: ValidationError) -> ApiError {
    let ValidationError { field, message } = error;
    ApiError {
        field: Some(field.clone()),
        validation_errors: vec![FieldError {
            field,
            message: message.clone(),
        }],
        ..ApiError::new(Code::ValidationError, message)
    }
}

/// Rejects U+0000, which PostgreSQL cannot store in text.
fn text(field: &str, value: String) -> Result<String, ApiError> {
    if value.contains('\0') {
        return Err(ApiError::invalid(field, "must not contain U+0000"));
    }
    Ok(value)
}

/// Validates a search term.
pub fn search_term(value: String) -> Result<String, ApiError> {
    let chars = value.chars().count();
    if chars > MAX_TERM_CHARS {
        let rule = format!("has at most {MAX_TERM_CHARS} characters, got {chars}");
        return Err(ApiError::invalid("searchTerm", rule));
    }
    text("searchTerm", value)
}

/// Validates a number of rows: 1 to 500.
pub fn rows(field: &str, value: i32) -> Result<i32, ApiError> {
    if (1..=MAX_ROWS).contains(&value) {
        Ok(value)
    } else {
        let rule = format!("must be 1 to {MAX_ROWS}, got {value}");
        Err(ApiError::invalid(field, rule))
    }
}

/// `limit`, 100 if absent.
pub fn limit(value: Option<i32>) -> Result<i32, ApiError> {
    rows("limit", value.unwrap_or(DEFAULT_ROWS))
}

/// Validates a number that is at least `least`.
pub fn at_least(field: &str, least: i32, value: i32) -> Result<i32, ApiError> {
    if value >= least {
        Ok(value)
    } else {
        let rule = format!("must be at least {least}, got {value}");
        Err(ApiError::invalid(field, rule))
    }
}

#[cfg(test)]
mod tests {
    use super::{at_least, limit, price_limit, rows, search_term, text};

    #[test]
    fn rows_are_1_to_500_and_100_by_default() {
        assert_eq!(limit(None), Ok(100));
        assert_eq!(limit(Some(500)), Ok(500));
        for wrong in [0, -1, 501, i32::MAX] {
            let error = rows("perPage", wrong).expect_err("out of range");
            assert_eq!(error.field.as_deref(), Some("perPage"));
            assert!(error.message.contains(&wrong.to_string()));
        }
        assert!(at_least("page", 1, 0).is_err());
    }

    #[test]
    fn a_price_limit_is_exact_where_prices_are() {
        assert_eq!(price_limit(19.9), "19.9");
        assert_eq!(price_limit(-0.01), "-0.01");
        assert_eq!(price_limit(1e308), "1000000000");
        assert_eq!(price_limit(f64::MIN), "-1000000000");
    }

    #[test]
    fn text_has_no_u0000_and_terms_have_a_length() {
        assert!(text("id", "a\0".to_owned()).is_err());
        assert!(search_term("é".repeat(255)).is_ok());
        assert!(search_term("é".repeat(256)).is_err());
    }
}
