//! Validates input of the read side. Each error is `INVALID_ARGUMENT` and names the field, the limit and the given
//! value.

use domain::ValidationError;
use domain::value::{EntityId, SearchTerm};
use tonic::Status;

use crate::queries::{MAX_ROWS, Pagination};

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

pub(super) fn term(text: &str) -> Result<SearchTerm, Status> {
    SearchTerm::parse("search_term", text).map_err(|error| invalid(&error))
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

pub(super) fn invalid_argument(field: &str, rule: &str) -> Status {
    Status::invalid_argument(format!("{field} must {rule}"))
}

/// The text in quotes, truncated if it is long.
pub(super) fn shown(text: &str) -> String {
    const MAX_IDS: usize = 40;
    let short: String = text.chars().take(MAX_IDS).collect();
    let more = if short.len() < text.len() { "…" } else { "" };
    format!("{short:?}{more}")
}

/// The error for a number without an enum value.
pub(super) fn unknown(field: &str, names: &[&str], given: i32) -> Status {
    let rule = format!("be one of {}, got number {given}", names.join(", "));
    invalid_argument(field, &rule)
}
