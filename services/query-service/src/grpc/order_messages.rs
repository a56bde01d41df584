//! Orders and sagas as messages.

use contract::decimal;
use contract::query::{self, Order, OrderItem, Saga, ShippingAddress};
use domain::value::OrderStatus;
use sagas::SagaStatus;

use super::convert::MICROS;
use crate::projections::{OrderRow, SagaRow};

pub(super) fn order(row: &OrderRow) -> Order {
    let items = row.items.iter();
    Order {
        id: row.id.clone(),
        user_id: row.user_id.clone(),
        status: order_status(row.status).into(),
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

fn order_status(status: OrderStatus) -> query::OrderStatus {
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

pub(super) fn saga(row: &SagaRow) -> Saga {
    Saga {
        id: row.id.clone(),
        r#type: row.saga_type.clone(),
        order_id: row.order_id.clone(),
        status: saga_status(row.status).into(),
        current_step: row.current_step.clone(),
        completed_steps: row.completed_steps.clone(),
        compensated_steps: row.compensated_steps.clone(),
        failure_reason: row.failure_reason().map(str::to_owned),
        started_at: row.started_at.div_euclid(MICROS),
        completed_at: row.completed_at.map_or(0, |at| at.div_euclid(MICROS)),
        started_at_micros: row.started_at,
        completed_at_micros: row.completed_at,
        updated_at_micros: row.updated_at,
    }
}

fn saga_status(status: SagaStatus) -> query::SagaStatus {
    match status {
        SagaStatus::Started => query::SagaStatus::Started,
        SagaStatus::Running => query::SagaStatus::Running,
        SagaStatus::Compensating => query::SagaStatus::Compensating,
        SagaStatus::Completed => query::SagaStatus::Completed,
        SagaStatus::Failed => query::SagaStatus::Failed,
        SagaStatus::Compensated => query::SagaStatus::Compensated,
        SagaStatus::Suspended => query::SagaStatus::Suspended,
    }
}
