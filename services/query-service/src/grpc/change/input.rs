//! Converts messages into selections of changes.

use std::collections::HashSet;

use contract::query::{self, FollowChangesRequest};
use event_sourcing::Position;
use tonic::Status;

use super::super::input::{ids, invalid_argument, unknown};
use crate::changes::{ChangeKind, ChangeSelection};

const KINDS: [&str; 8] = [
    "CATEGORY_CREATED",
    "CATEGORY_UPDATED",
    "CATEGORY_DELETED",
    "PRODUCT_CREATED",
    "PRODUCT_UPDATED",
    "PRODUCT_DELETED",
    "STOCK_UPDATED",
    "ORDER_UPDATED",
];

pub(super) fn selection(request: &FollowChangesRequest) -> Result<ChangeSelection, Status> {
    let mut kinds = Vec::new();
    for given in &request.kinds {
        let kind = kind(*given)?;
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    if kinds.is_empty() {
        return Err(invalid_argument("kinds", "have at least one entry, got 0"));
    }
    let wanted = ids("ids", &request.ids)?;
    let wanted: HashSet<String> = wanted.into_iter().map(str::to_owned).collect();
    Ok(ChangeSelection {
        kinds,
        // If all of the given ids are malformed, no entity has one of them.
        ids: (!request.ids.is_empty()).then_some(wanted),
        with_rows: !request.without_rows,
    })
}

pub(super) fn after(request: &FollowChangesRequest) -> Result<Option<Position>, Status> {
    let Some(after) = request.after else {
        return Ok(None);
    };
    // The engines' positions are signed.
    if i64::try_from(after).is_err() {
        let rule = format!("be at most {}, got {after}", i64::MAX);
        return Err(invalid_argument("after", &rule));
    }
    Ok(Some(Position(after)))
}

fn kind(given: i32) -> Result<ChangeKind, Status> {
    use query::ChangeKind as Wire;
    match Wire::try_from(given) {
        Ok(Wire::CategoryCreated) => Ok(ChangeKind::CategoryCreated),
        Ok(Wire::CategoryUpdated) => Ok(ChangeKind::CategoryUpdated),
        Ok(Wire::CategoryDeleted) => Ok(ChangeKind::CategoryDeleted),
        Ok(Wire::ProductCreated) => Ok(ChangeKind::ProductCreated),
        Ok(Wire::ProductUpdated) => Ok(ChangeKind::ProductUpdated),
        Ok(Wire::ProductDeleted) => Ok(ChangeKind::ProductDeleted),
        Ok(Wire::StockUpdated) => Ok(ChangeKind::StockUpdated),
        Ok(Wire::OrderUpdated) => Ok(ChangeKind::OrderUpdated),
        Ok(Wire::Unspecified) | Err(_) => Err(unknown("kinds", &KINDS, given)),
    }
}
