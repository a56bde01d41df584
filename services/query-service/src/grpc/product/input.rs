//! Converts messages into queries of products.

use contract::decimal::{self, DecimalError};
use contract::query::{
    self, ProductAdvancedSearchRequest, ProductByCategoryRequest, ProductConnectionRequest,
    ProductPaginationRequest, ProductPriceRangeRequest, ProductSearchRequest, ProductSort,
    ProductWindowRequest,
};
use event_sourcing::quoted;
use tonic::Status;

use super::super::input::{self, id, invalid_argument, limit};
use crate::queries::{
    MAX_ROWS, PageSlice, ProductListOrder, ProductSearch, ProductSortField, Sort, SortDirection,
    SortField,
};

/// The requested order; `default` is the field of the list.
fn sort(
    given: Option<ProductSort>,
    default: ProductSortField,
) -> Result<Sort<ProductSortField>, Status> {
    use query::ProductSortField as Wire;
    let given = given.unwrap_or_default();
    let field = match Wire::try_from(given.field) {
        Ok(Wire::Unspecified) => default,
        Ok(Wire::Name) => ProductSortField::Name,
        Ok(Wire::Price) => ProductSortField::Price,
        Ok(Wire::CreatedAt) => ProductSortField::CreatedAt,
        Err(_) => {
            let names = ["NAME", "PRICE", "CREATED_AT"];
            return Err(input::unknown("sort.field", &names, given.field));
        }
    };
    let direction = input::direction(given.direction, SortDirection::Ascending)?;
    Ok(Sort { field, direction })
}

/// The requested order of a list that is otherwise sorted by name.
fn by_name(given: Option<ProductSort>) -> Result<ProductListOrder, Status> {
    sort(given, ProductSortField::Name).map(ProductListOrder::Sorted)
}

pub(super) fn page(request: ProductPaginationRequest) -> Result<ProductSearch, Status> {
    Ok(ProductSearch {
        order: by_name(request.sort)?,
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

pub(super) fn search(request: &ProductSearchRequest) -> Result<ProductSearch, Status> {
    Ok(ProductSearch {
        term: input::term("search_term", &request.search_term)?,
        order: by_name(request.sort)?,
        ..ProductSearch::default()
    })
}

pub(super) fn by_category(request: &ProductByCategoryRequest) -> Result<ProductSearch, Status> {
    let category = id("category_id", &request.category_id)?;
    Ok(ProductSearch {
        category_id: Some(category.to_string()),
        order: by_name(request.sort)?,
        ..ProductSearch::default()
    })
}

pub(super) fn connection(
    request: ProductConnectionRequest,
) -> Result<(Option<String>, Sort<ProductSortField>, PageSlice), Status> {
    let category = optional_id(request.category_id.as_deref())?;
    let sort = sort(request.sort, ProductSortField::Name)?;
    let slice = input::slice(request.slice, sort.field.columns())?;
    Ok((category, sort, slice))
}

fn optional_id(category_id: Option<&str>) -> Result<Option<String>, Status> {
    let id = category_id.map(|text| id("category_id", text));
    Ok(id.transpose()?.map(|id| id.to_string()))
}

/// An order by price as the old contract sorts.
pub(super) fn by_price(direction: &str) -> Result<ProductListOrder, Status> {
    Ok(match direction_of(direction)? {
        SortDirection::Ascending => ProductListOrder::Sorted(Sort {
            field: ProductSortField::Price,
            direction: SortDirection::Ascending,
        }),
        SortDirection::Descending => ProductListOrder::HighestPriceThenName,
    })
}

fn direction_of(text: &str) -> Result<SortDirection, Status> {
    match text {
        "" | "asc" => Ok(SortDirection::Ascending),
        "desc" => Ok(SortDirection::Descending),
        other => Err(invalid_argument(
            "sort_order",
            &format!("be \"asc\" or \"desc\", got {}", quoted(other)),
        )),
    }
}

fn old_order(sort_by: &str, sort_order: &str) -> Result<ProductListOrder, Status> {
    match sort_by {
        "" | "name" => Ok(ProductListOrder::Sorted(Sort {
            field: ProductSortField::Name,
            direction: direction_of(sort_order)?,
        })),
        "price" => by_price(sort_order),
        other => Err(invalid_argument(
            "sort_by",
            &format!("be \"name\" or \"price\", got {}", quoted(other)),
        )),
    }
}

pub(super) fn window(request: &ProductWindowRequest) -> Result<ProductSearch, Status> {
    Ok(ProductSearch {
        category_id: optional_id(request.category_id.as_deref())?,
        order: by_name(request.sort)?,
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
        order: sort(request.sort, ProductSortField::Price).map(ProductListOrder::Sorted)?,
        ..ProductSearch::default()
    })
}

pub(super) fn advanced(request: &ProductAdvancedSearchRequest) -> Result<ProductSearch, Status> {
    let term = input::term("name", &request.name)?;
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
        term,
        category_id,
        min_price_cents: min.map(|min| min.up),
        max_price_cents: max.map(|max| max.down),
        order: old_order(&request.sort_by, &request.sort_order)?,
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
    Status::invalid_argument(format!("{field} {error}, got {}", quoted(text)))
}
