//! Validation of arguments, before a service is called.

use async_graphql::{Context, ID, MaybeUndefined};
use domain::ValidationError;
use domain::value::{
    CategoryName, Description, EntityId, Price, ProductName, Reason, UserId, parse_expected_version,
};
use event_sourcing::quoted;
use graphql_http::{Decimal, ReplacedNumbers};

use super::argument_errors::ArgumentError;
use super::presence::not_null;

/// The maximum of `limit` and `perPage`, and the length of lists without them.
const MAX_ROWS: i32 = 500;
/// The default of `limit`.
const DEFAULT_ROWS: i32 = 100;
const MAX_TERM_CHARS: usize = 255;
/// Above the maximum price.
const BEYOND_PRICES: f64 = 1e9;

/// Validates an id.
pub fn id(field: &str, value: &ID) -> Result<String, ArgumentError> {
    let id = EntityId::parse(field, value)?;
    Ok(id.as_str().to_owned())
}

/// Validates an id that may be absent.
pub fn optional_id(field: &str, value: Option<&ID>) -> Result<Option<String>, ArgumentError> {
    value.map(|value| id(field, value)).transpose()
}

/// The given value, if the domain accepts it.
pub fn valid<G, T>(
    given: G,
    parse: impl FnOnce(&G) -> Result<T, ValidationError>,
) -> Result<G, ArgumentError> {
    parse(&given)?;
    Ok(given)
}

/// A description that may be absent.
pub fn description(given: Option<String>) -> Result<Option<String>, ArgumentError> {
    given
        .map(|text| valid(text, |text| Description::parse("description", text)))
        .transpose()
}

/// A reason that may be absent.
pub fn reason(given: Option<String>) -> Result<Option<String>, ArgumentError> {
    given
        .map(|text| valid(text, |text| Reason::parse("reason", text)))
        .transpose()
}

/// The version that the client expects.
pub fn expected_version(given: MaybeUndefined<i32>) -> Result<Option<i64>, ArgumentError> {
    const FIELD: &str = "expectedVersion";
    let given = not_null(FIELD, given)?.map(i64::from);
    given
        .map(|version| valid(version, |version| parse_expected_version(FIELD, *version)))
        .transpose()
}

/// The values of a list of 1 to `max` of them, each with the name of its place, such as `ids[3]`.
///
/// # Errors
/// The list is empty or too long.
pub fn list<'a, T>(
    field: &'a str,
    max: usize,
    values: &'a [T],
) -> Result<impl Iterator<Item = (String, &'a T)>, ArgumentError> {
    if !(1..=max).contains(&values.len()) {
        let rule = format!("must have 1 to {max} items, got {}", values.len());
        return Err(ArgumentError::new(field, rule));
    }
    let places = (0..values.len()).map(move |index| format!("{field}[{index}]"));
    Ok(places.zip(values))
}

/// Validates a user id.
pub fn user_id(field: &str, value: &ID) -> Result<String, ArgumentError> {
    let id = UserId::parse(field, value)?;
    Ok(id.as_str().to_owned())
}

/// Validates the name of a category.
pub fn category_name(value: &str) -> Result<String, ArgumentError> {
    let name = CategoryName::parse("name", value)?;
    Ok(name.as_str().to_owned())
}

/// Validates the name of a product.
pub fn product_name(value: &str) -> Result<String, ArgumentError> {
    let name = ProductName::parse("name", value)?;
    Ok(name.as_str().to_owned())
}

/// Validates a price. One that a JSON or GraphQL parser has rounded is validated, and shown, as it was written.
pub fn price(context: &Context<'_>, field: &str, value: Decimal) -> Result<String, ArgumentError> {
    let text = value.into_text();
    let written = as_written(context, &text);
    Price::parse(field, written)?;
    Ok(written.to_owned())
}

/// The text of a number in the request, without the rounding of the parsers.
pub fn as_written<'t>(context: &'t Context<'_>, text: &'t str) -> &'t str {
    let replaced = context.data_opt::<ReplacedNumbers>();
    replaced.and_then(|all| all.written(text)).unwrap_or(text)
}

/// A bound of a price range with all its digits. Bounds beyond the range of prices are all equivalent.
pub fn price_limit(value: f64) -> String {
    value.clamp(-BEYOND_PRICES, BEYOND_PRICES).to_string()
}

/// Rejects U+0000, which PostgreSQL cannot store in text.
fn text(field: &str, value: String) -> Result<String, ArgumentError> {
    if value.contains('\0') {
        let rule = format!("must not contain U+0000, got {}", quoted(&value));
        return Err(ArgumentError::new(field, rule));
    }
    Ok(value)
}

/// Validates a search term.
pub fn search_term(value: String) -> Result<String, ArgumentError> {
    let chars = value.chars().count();
    if chars > MAX_TERM_CHARS {
        let rule = format!("must have at most {MAX_TERM_CHARS} characters, got {chars}");
        return Err(ArgumentError::new("searchTerm", rule));
    }
    text("searchTerm", value)
}

/// Validates a number of rows: 1 to 500.
pub fn rows(field: &str, value: i32) -> Result<i32, ArgumentError> {
    if (1..=MAX_ROWS).contains(&value) {
        Ok(value)
    } else {
        let rule = format!("must be 1 to {MAX_ROWS}, got {value}");
        Err(ArgumentError::new(field, rule))
    }
}

/// `limit`, 100 if absent.
pub fn limit(value: Option<i32>) -> Result<i32, ArgumentError> {
    rows("limit", value.unwrap_or(DEFAULT_ROWS))
}

/// `offset`, 0 if absent.
pub fn offset(value: Option<i32>) -> Result<i32, ArgumentError> {
    at_least("offset", 0, value.unwrap_or(0))
}

/// Validates a number that is at least `least`.
pub fn at_least(field: &str, least: i32, value: i32) -> Result<i32, ArgumentError> {
    if value >= least {
        Ok(value)
    } else {
        let rule = format!("must be at least {least}, got {value}");
        Err(ArgumentError::new(field, rule))
    }
}

#[cfg(test)]
mod tests {
    use super::{at_least, limit, price_limit, rows, search_term, text};
    use graphql_http::ApiError;

    #[test]
    fn rows_are_1_to_500_and_100_by_default() {
        assert_eq!(limit(None), Ok(100));
        assert_eq!(limit(Some(500)), Ok(500));
        for wrong in [0, -1, 501, i32::MAX] {
            let error = rows("perPage", wrong).expect_err("out of range");
            let error = ApiError::from(error);
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
