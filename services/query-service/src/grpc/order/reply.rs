//! Orders as messages.

use std::sync::Arc;

use contract::decimal;
use contract::query::{
    self, Order, OrderConnectionResponse, OrderEdge, OrderItem, OrderListResponse, ShippingAddress,
};
use domain::value::OrderStatus;

use super::super::reply::{MICROS, MessageBudget, page};
use crate::projections::OrderRow;
use crate::queries::{Connection, SliceSize};

pub(in crate::grpc) fn order(row: &OrderRow) -> Order {
    let items = row.items.iter();
    Order {
        id: row.id.clone(),
        user_id: row.user_id.clone(),
        status: status(row.status).into(),
        total_amount: decimal::from_cents(row.total_cents),
        items: items.map(item).collect(),
        shipping_address: row.shipping_address.as_ref().map(address),
        tracking_number: row.tracking_number.clone(),
        version: row.version,
        created_at: row.created_at.div_euclid(MICROS),
        updated_at: row.updated_at.div_euclid(MICROS),
        created_at_micros: row.created_at,
        updated_at_micros: row.updated_at,
    }
}

fn item(item: &domain::order::OrderItem) -> OrderItem {
    OrderItem {
        product_id: item.product_id.to_string(),
        product_name: item.product_name.as_str().to_owned(),
        quantity: i32::try_from(item.quantity.get()).unwrap_or(i32::MAX),
        price: decimal::from_cents(item.price.cents()),
        subtotal: decimal::from_cents(item.subtotal().cents()),
    }
}

fn address(address: &domain::value::ShippingAddress) -> ShippingAddress {
    ShippingAddress {
        street: address.street().to_owned(),
        city: address.city().to_owned(),
        postal_code: address.postal_code().to_owned(),
    }
}

fn status(status: OrderStatus) -> query::OrderStatus {
    match status {
        OrderStatus::Pending => query::OrderStatus::Pending,
        OrderStatus::Processing => query::OrderStatus::Processing,
        OrderStatus::Confirmed => query::OrderStatus::Confirmed,
        OrderStatus::Shipped => query::OrderStatus::Shipped,
        OrderStatus::Delivered => query::OrderStatus::Delivered,
        OrderStatus::Cancelled => query::OrderStatus::Cancelled,
        OrderStatus::Failed => query::OrderStatus::Failed,
    }
}

pub(super) fn list(rows: &[Arc<OrderRow>], is_truncated: bool) -> OrderListResponse {
    let mut orders = rows.iter().map(|row| order(row)).collect();
    let is_cut = MessageBudget::new().fit(&mut orders);
    OrderListResponse {
        orders,
        truncated: is_truncated || is_cut,
    }
}

pub(super) fn connection(part: &Connection<OrderRow>, size: SliceSize) -> OrderConnectionResponse {
    let edge = |row: &OrderRow, key| OrderEdge {
        order: Some(order(row)),
        key: Some(key),
    };
    let (edges, page) = page(part, size, edge);
    OrderConnectionResponse {
        edges,
        page: Some(page),
    }
}
