//! Converts messages into queries of products.

use contract::decimal::{self, DecimalError};
use contract::query::{
    ProductAdvancedSearchRequest, ProductPaginationRequest, ProductPriceRangeRequest,
    ProductWindowRequest,
};
use domain::value::SearchTerm;
use tonic::Status;

use super::super::input::{self, id, invalid, invalid_argument, limit, shown};
use crate::queries::{MAX_ROWS, ProductSearch, SortBy, SortDirection};

pub(super) fn page(request: ProductPaginationRequest) -> Result<ProductSearch, Status> {
    Ok(ProductSearch {
        window: input::page(request.page, request.per_page)?,
        ..ProductSearch::default()
    })
}

/// 0 means the maximum.
pub(super) fn group_limit(given: i32) -> Result<i64, Status> {
    if given == 0 {
        return Ok(MAX_ROWS);
    }
    limit("limit", given)
}

pub(super) fn order(text: &str) -> Result<SortDirection, Status> {
    match text {
        "" | "asc" => Ok(SortDirection::Ascending),
        "desc" => Ok(SortDirection::Descending),
        other => Err(invalid_argument(
            "sort_order",
            &format!("be \"asc\" or \"desc\", got {}", shown(other)),
        )),
    }
}

fn sort_by(text: &str) -> Result<SortBy, Status> {
    match text {
        "" | "name" => Ok(SortBy::Name),
        "price" => Ok(SortBy::Price),
        other => Err(invalid_argument(
            "sort_by",
            &format!("be \"name\" or \"price\", got {}", shown(other)),
        )),
    }
}

pub(super) fn window(request: &ProductWindowRequest) -> Result<ProductSearch, Status> {
    Ok(ProductSearch {
        category_id: request
            .category_id
            .as_deref()
            .map(|text| id("category_id", text).map(|id| id.to_string()))
            .transpose()?,
        window: input::window(request.limit, request.offset)?,
        ..ProductSearch::default()
    })
}

pub(super) fn price_range(request: &ProductPriceRangeRequest) -> Result<ProductSearch, Status> {
    let min = Bound::parse(
        "min_price",
        request.min_price,
        request.min_price_decimal.as_deref(),
    )?;
    let max = Bound::parse(
        "max_price",
        request.max_price,
        request.max_price_decimal.as_deref(),
    )?;
    ordered(&min, &max)?;
    Ok(ProductSearch {
        min_price_cents: Some(min.up),
        max_price_cents: Some(max.down),
        sort_by: SortBy::Price,
        ..ProductSearch::default()
    })
}

pub(super) fn advanced(request: &ProductAdvancedSearchRequest) -> Result<ProductSearch, Status> {
    let term = SearchTerm::parse("name", &request.name).map_err(|error| invalid(&error))?;
    let category_id = match request.category_id.as_str() {
        "" => None,
        text => Some(id("category_id", text)?.to_string()),
    };
    let bound = |field, double: f64, decimal: Option<&str>| {
        let is_set = decimal.is_some() || double != 0.0;
        is_set
            .then(|| Bound::parse(field, double, decimal))
            .transpose()
    };
    let min = bound(
        "min_price",
        request.min_price,
        request.min_price_decimal.as_deref(),
    )?;
    let max = bound(
        "max_price",
        request.max_price,
        request.max_price_decimal.as_deref(),
    )?;
    if let (Some(min), Some(max)) = (&min, &max) {
        ordered(min, max)?;
    }
    Ok(ProductSearch {
        term: Some(term).filter(|term| !term.key().as_str().is_empty()),
        category_id,
        min_price_cents: min.map(|min| min.up),
        max_price_cents: max.map(|max| max.down),
        sort_by: sort_by(&request.sort_by)?,
        order: order(&request.sort_order)?,
        window: input::window(
            Some(request.limit).filter(|given| *given != 0),
            request.offset,
        )?,
    })
}

/// A bound of the price, with the precision of the input.
struct Bound {
    field: &'static str,
    text: String,
    /// Only for comparing two bounds with each other.
    value: f64,
    /// Rounded up, as a lower bound in cents.
    up: i64,
    /// Rounded down, as an upper bound in cents.
    down: i64,
}

impl Bound {
    fn parse(field: &'static str, double: f64, decimal: Option<&str>) -> Result<Self, Status> {
        let text = decimal.map_or_else(|| double.to_string(), str::to_owned);
        let limits = match decimal {
            Some(text) => decimal::to_cents_rounding_up(text)
                .and_then(|up| Ok((up, decimal::to_cents_rounding_down(text)?))),
            None => decimal::limits_from_double(double),
        };
        let (up, down) = limits.map_err(|error| unreadable(field, &text, error))?;
        Ok(Self {
            field,
            value: decimal.map_or(Ok(double), str::parse).unwrap_or(f64::NAN),
            text,
            up,
            down,
        })
    }
}

fn ordered(min: &Bound, max: &Bound) -> Result<(), Status> {
    if min.value > max.value {
        let rule = format!("be at most {} ({}), got {}", max.field, max.text, min.text);
        return Err(invalid_argument(min.field, &rule));
    }
    Ok(())
}

fn unreadable(field: &str, text: &str, error: DecimalError) -> Status {
    Status::invalid_argument(format!("{field} {error}, got {}", shown(text)))
}
