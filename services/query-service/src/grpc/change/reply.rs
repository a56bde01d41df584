//! Changes as messages.

use contract::query::change::Row;
use contract::query::{self, FollowChangesResponse};

use super::super::{category, order, product};
use crate::changes::{Batch, Change, ChangeKind, ChangeRow};

/// The messages of a batch: one for each change, and one for a position without a change.
pub(super) fn messages(batch: &Batch) -> Vec<FollowChangesResponse> {
    let last = batch.changes.last().map(|change| change.position);
    let mut messages: Vec<_> = batch.changes.iter().map(change).collect();
    if last != Some(batch.position) {
        messages.push(FollowChangesResponse {
            position: batch.position.0,
            change: None,
        });
    }
    messages
}

fn change(change: &Change) -> FollowChangesResponse {
    let row = change.row.as_ref().map(|row| match row {
        ChangeRow::Category(row) => Row::Category(category::reply::category(row)),
        ChangeRow::Product(row) => Row::Product(product::reply::product(row)),
        ChangeRow::Order(row) => Row::Order(order::reply::order(row)),
    });
    FollowChangesResponse {
        position: change.position.0,
        change: Some(query::Change {
            kind: kind(change.kind).into(),
            id: change.id.clone(),
            row,
        }),
    }
}

fn kind(kind: ChangeKind) -> query::ChangeKind {
    match kind {
        ChangeKind::CategoryCreated => query::ChangeKind::CategoryCreated,
        ChangeKind::CategoryUpdated => query::ChangeKind::CategoryUpdated,
        ChangeKind::CategoryDeleted => query::ChangeKind::CategoryDeleted,
        ChangeKind::ProductCreated => query::ChangeKind::ProductCreated,
        ChangeKind::ProductUpdated => query::ChangeKind::ProductUpdated,
        ChangeKind::ProductDeleted => query::ChangeKind::ProductDeleted,
        ChangeKind::StockUpdated => query::ChangeKind::StockUpdated,
        ChangeKind::OrderUpdated => query::ChangeKind::OrderUpdated,
    }
}
