//! Products as messages.

use std::collections::HashMap;
use std::sync::Arc;

use contract::decimal;
use contract::query::{
    CategoryProducts, Product, ProductConnectionResponse, ProductEdge, ProductListResponse,
    ProductsByCategoriesResponse,
};

use super::super::reply::{MICROS, MessageBudget, page};
use crate::projections::ProductRow;
use crate::queries::{Connection, List, ProductStatistics, SliceSize};

pub(in crate::grpc) fn product(row: &ProductRow) -> Product {
    Product {
        id: row.id.clone(),
        name: row.name.clone(),
        price: decimal::to_double(row.price_cents),
        category_id: row.category_id.clone().unwrap_or_default(),
        category: None,
        created_at: row.created_at.div_euclid(MICROS),
        updated_at: row.updated_at.div_euclid(MICROS),
        price_decimal: decimal::from_cents(row.price_cents),
        description: row.description.clone(),
        version: row.version,
        created_at_micros: row.created_at,
        updated_at_micros: row.updated_at,
        stock_quantity: row.available(),
        on_hand_quantity: row.on_hand,
        reserved_quantity: row.reserved,
    }
}

pub(super) fn products(rows: &[Arc<ProductRow>]) -> Vec<Product> {
    rows.iter().map(|row| product(row)).collect()
}

pub(super) fn list(mut products: Vec<Product>, is_truncated: bool) -> ProductListResponse {
    let is_cut = MessageBudget::new().fit(&mut products);
    ProductListResponse {
        products,
        truncated: is_truncated || is_cut,
    }
}

pub(super) fn connection(
    part: &Connection<ProductRow>,
    size: SliceSize,
) -> ProductConnectionResponse {
    let edge = |row: &ProductRow, key| ProductEdge {
        product: Some(product(row)),
        key: Some(key),
    };
    let (edges, page) = page(part, size, edge);
    ProductConnectionResponse {
        edges,
        page: Some(page),
    }
}

/// Groups rows, which are sorted by category, in the requested order of categories.
pub(super) fn grouped(
    ids: &[String],
    list: &List<ProductRow>,
    limit: i64,
) -> ProductsByCategoriesResponse {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut groups: HashMap<&str, Vec<&Arc<ProductRow>>> = HashMap::new();
    for row in &list.rows {
        if let Some(category) = row.category_id.as_deref() {
            groups.entry(category).or_default().push(row);
        }
    }
    // Rows beyond the total limit are missing at the end: in the last category present, or in categories after it.
    let end = list.rows.last().and_then(|row| row.category_id.as_deref());
    let is_truncated_from = |id: &str| list.is_truncated && end.is_none_or(|end| id >= end);
    let mut room = MessageBudget::new();
    let categories = ids
        .iter()
        .map(|id| {
            let rows = groups.get(id.as_str()).map_or(&[][..], Vec::as_slice);
            let is_long = rows.len() > limit;
            let mut products = rows.iter().take(limit).map(|row| product(row)).collect();
            let is_cut = room.fit(&mut products);
            CategoryProducts {
                category_id: id.clone(),
                products,
                truncated: is_long || is_cut || is_truncated_from(id),
            }
        })
        .collect();
    ProductsByCategoriesResponse { categories }
}

/// The average in whole units. This is the only place where a price becomes a float.
#[expect(clippy::cast_precision_loss, reason = "the contract requires a double")]
pub(super) fn average(figures: &ProductStatistics) -> f64 {
    if figures.count == 0 {
        return 0.0;
    }
    figures.price_sum as f64 / figures.count as f64 / 100.0
}
