//! Categories as messages.

use std::sync::Arc;

use contract::query::{Category, CategoryConnectionResponse, CategoryEdge, CategoryListResponse};

use super::super::reply::{MICROS, MessageBudget, count, page};
use crate::projections::CategoryRow;
use crate::queries::{Connection, SliceSize};

pub(in crate::grpc) fn category(row: &CategoryRow) -> Category {
    Category {
        id: row.id.clone(),
        name: row.name.clone(),
        created_at: row.created_at.div_euclid(MICROS),
        updated_at: row.updated_at.div_euclid(MICROS),
        description: row.description.clone(),
        version: row.version,
        created_at_micros: row.created_at,
        updated_at_micros: row.updated_at,
        product_count: count(row.product_count),
    }
}

pub(super) fn list(rows: &[Arc<CategoryRow>], is_truncated: bool) -> CategoryListResponse {
    let mut categories = rows.iter().map(|row| category(row)).collect();
    let is_cut = MessageBudget::new().fit(&mut categories);
    CategoryListResponse {
        categories,
        truncated: is_truncated || is_cut,
    }
}

pub(super) fn connection(
    part: &Connection<CategoryRow>,
    size: SliceSize,
) -> CategoryConnectionResponse {
    let edge = |row: &CategoryRow, key| CategoryEdge {
        category: Some(category(row)),
        key: Some(key),
    };
    let (edges, page) = page(part, size, edge);
    CategoryConnectionResponse {
        edges,
        page: Some(page),
    }
}
