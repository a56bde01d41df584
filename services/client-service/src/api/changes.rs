//! The root fields of subscriptions.
//!
//! The operation of a subscription is executed once when it starts, to learn what it selects, and then once for each
//! change. So each message is an execution like that of a query, with its own reads, limits and errors.

use async_graphql::{Context, ID};
use contract::query::ChangeKind;
use futures::stream;
use graphql_http::{ApiError, parse_position};

use super::argument_errors::ArgumentErrors;
use super::arguments;
use crate::upstream::{ChangedRow, Selection, Trigger};

/// The maximum number of ids that one subscription selects.
const MAX_IDS: usize = 500;

/// The response of one execution: the row of a change, or nothing at the start.
pub type Items<T> = stream::Iter<std::option::IntoIter<T>>;

/// Records the selection at the start; afterwards returns the converted row. `convert` returns `None` for a row of
/// another type.
pub fn items<T>(
    context: &Context<'_>,
    (kind, ids): (ChangeKind, Option<Vec<String>>),
    after: Option<String>,
    convert: impl FnOnce(ChangedRow) -> Option<Result<T, ApiError>>,
) -> Result<Items<T>, ApiError> {
    let trigger = context.data::<Trigger>();
    let item = match trigger.map_err(|error| ApiError::internal(error.message))? {
        Trigger::Start(selection) => {
            let after = after.map(|after| parse_position("after", &after));
            let after = after.transpose()?;
            // An operation has one root field, which is resolved once.
            let _ = selection.set(Selection { kind, ids, after });
            None
        }
        Trigger::Change(row) => {
            let item = convert(row.clone());
            let wrong = || ApiError::internal("a change has a row of another type");
            Some(item.ok_or_else(wrong)??)
        }
    };
    Ok(stream::iter(item))
}

/// The id of the only entity to follow, if there is one.
pub fn only(id: Option<&ID>) -> Result<Option<Vec<String>>, ApiError> {
    let id = arguments::optional_id("id", id)?;
    Ok(id.map(|id| vec![id]))
}

/// The ids of several entities to follow.
pub fn several(field: &str, ids: &[ID]) -> Result<Vec<String>, ApiError> {
    let ids = arguments::list(field, MAX_IDS, ids)?;
    let mut errors = ArgumentErrors::default();
    let ids = ids.filter_map(|(place, id)| errors.check(arguments::id(&place, id)));
    let ids = ids.collect::<Vec<_>>();
    let mut ids = errors.none(ids)?;
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

/// The id of a deleted entity.
pub fn deleted(row: ChangedRow) -> Option<Result<ID, ApiError>> {
    match row {
        ChangedRow::Deleted(id) => Some(Ok(ID(id))),
        ChangedRow::Category(_) | ChangedRow::Product(_) | ChangedRow::Order(_) => None,
    }
}
