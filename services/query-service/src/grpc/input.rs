//! Validates input of the read side. Each error is `INVALID_ARGUMENT` and names the field, the limit and the given
//! value.

use contract::query;
use domain::ValidationError;
use domain::value::{EntityId, SearchTerm};
use tonic::Status;

use crate::queries::{
    MAX_ROWS, MAX_SLICE_ROWS, PageSlice, Pagination, RowKey, SliceSize, SortColumns, SortDirection,
};

pub(super) fn invalid(error: &ValidationError) -> Status {
    Status::invalid_argument(&error.message)
}

/// A well-formed id.
pub(super) fn id(field: &str, text: &str) -> Result<EntityId, Status> {
    EntityId::parse(field, text).map_err(|error| invalid(&error))
}

/// The ids of a batch without duplicates. Malformed ids are dropped: like unknown ids they have no row.
pub(super) fn ids<'a>(field: &str, texts: &'a [String]) -> Result<Vec<&'a str>, Status> {
    let most = usize::try_from(MAX_ROWS).unwrap_or(usize::MAX);
    if texts.len() > most {
        return Err(invalid_argument(
            field,
            &format!("have at most {most} entries, got {}", texts.len()),
        ));
    }
    let mut ids: Vec<&str> = texts
        .iter()
        .map(String::as_str)
        .filter(|text| EntityId::parse(field, text).is_ok())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

/// A term that names contain; `None` if it is empty, as every name contains it.
pub(super) fn term(field: &str, text: &str) -> Result<Option<SearchTerm>, Status> {
    let term = SearchTerm::parse(field, text).map_err(|error| invalid(&error))?;
    Ok(Some(term).filter(|term| !term.key().as_str().is_empty()))
}

pub(super) fn page(page: i32, per_page: i32) -> Result<Pagination, Status> {
    if page < 1 {
        return Err(invalid_argument(
            "page",
            &format!("be at least 1, got {page}"),
        ));
    }
    let limit = limit("per_page", per_page)?;
    Ok(Pagination {
        limit: Some(limit),
        offset: (i64::from(page) - 1) * limit,
    })
}

pub(super) fn limit(field: &str, given: i32) -> Result<i64, Status> {
    let limit = i64::from(given);
    if (1..=MAX_ROWS).contains(&limit) {
        return Ok(limit);
    }
    Err(invalid_argument(
        field,
        &format!("be 1 to {MAX_ROWS}, got {given}"),
    ))
}

pub(super) fn window(given: Option<i32>, offset: i32) -> Result<Pagination, Status> {
    if offset < 0 {
        return Err(invalid_argument(
            "offset",
            &format!("be at least 0, got {offset}"),
        ));
    }
    Ok(Pagination {
        limit: given.map(|given| limit("limit", given)).transpose()?,
        offset: offset.into(),
    })
}

/// The direction of a list; `default` if it is unspecified.
pub(super) fn direction(given: i32, default: SortDirection) -> Result<SortDirection, Status> {
    match query::SortDirection::try_from(given) {
        Ok(query::SortDirection::Unspecified) => Ok(default),
        Ok(query::SortDirection::Asc) => Ok(SortDirection::Ascending),
        Ok(query::SortDirection::Desc) => Ok(SortDirection::Descending),
        Err(_) => Err(unknown("sort.direction", &["ASC", "DESC"], given)),
    }
}

/// A part of a list that is sorted by these columns.
pub(super) fn slice(
    given: Option<query::PageSlice>,
    columns: SortColumns,
) -> Result<PageSlice, Status> {
    let given = given.unwrap_or_default();
    let size = match (given.first, given.last) {
        (Some(first), None) => SliceSize::First(slice_rows("slice.first", first)?),
        (None, Some(last)) => SliceSize::Last(slice_rows("slice.last", last)?),
        (Some(_), Some(_)) => {
            return Err(invalid_argument("slice.last", "be absent with slice.first"));
        }
        (None, None) => {
            return Err(invalid_argument("slice.first", "be set, or slice.last"));
        }
    };
    let key = |field: &str, given: Option<query::RowKey>| {
        given
            .map(|given| row_key(field, given, columns))
            .transpose()
    };
    Ok(PageSlice {
        size,
        after: key("slice.after", given.after)?,
        before: key("slice.before", given.before)?,
        count: given.count,
    })
}

fn slice_rows(field: &str, given: i32) -> Result<i64, Status> {
    let rows = i64::from(given);
    if (1..=MAX_SLICE_ROWS).contains(&rows) {
        return Ok(rows);
    }
    let rule = format!("be 1 to {MAX_SLICE_ROWS}, got {given}");
    Err(invalid_argument(field, &rule))
}

/// A key that has the values of these columns. The row need not exist, so any text is a name, except for U+0000, which
/// PostgreSQL cannot compare.
fn row_key(field: &str, given: query::RowKey, columns: SortColumns) -> Result<RowKey, Status> {
    let fits = |name: &str, is_given: bool, is_column: bool| match (is_given, is_column) {
        (true, false) => Err(invalid_argument(
            &format!("{field}.{name}"),
            "be absent in this order",
        )),
        (false, true) => Err(invalid_argument(
            &format!("{field}.{name}"),
            "be set in this order",
        )),
        _ => Ok(()),
    };
    fits("number", given.number.is_some(), columns.has_number)?;
    fits("name", given.name.is_some(), columns.has_name)?;
    if given
        .name
        .as_deref()
        .is_some_and(|name| name.contains('\0'))
    {
        return Err(invalid_argument(
            &format!("{field}.name"),
            "not contain U+0000",
        ));
    }
    let id = id(&format!("{field}.id"), &given.id)?;
    Ok(RowKey {
        number: given.number,
        name: given.name,
        id: id.to_string(),
    })
}

pub(super) fn invalid_argument(field: &str, rule: &str) -> Status {
    Status::invalid_argument(format!("{field} must {rule}"))
}

/// The error for a number without an enum value.
pub(super) fn unknown(field: &str, names: &[&str], given: i32) -> Status {
    let rule = format!("be one of {}, got number {given}", names.join(", "));
    invalid_argument(field, &rule)
}
