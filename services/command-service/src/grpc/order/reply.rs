//! Converts orders into messages.

use contract::decimal;
use contract::proto::{self, OrderItem, ShippingAddress};
use contract::time::to_timestamp;
use domain::order::Order;
use domain::value::OrderStatus;

use super::super::reply::signed;

/// The order; `None` if it does not exist.
pub(in crate::grpc) fn order(order: &Order) -> Option<proto::Order> {
    let values = order.values()?;
    let items = values.items.iter().map(|item| OrderItem {
        product_id: item.product_id.to_string(),
        product_name: item.product_name.as_str().to_owned(),
        quantity: i32::try_from(item.quantity.get()).unwrap_or(i32::MAX),
        unit_price: decimal::to_double(item.price.cents()),
        subtotal: decimal::to_double(item.subtotal().cents()),
        unit_price_decimal: Some(item.price.to_string()),
        subtotal_decimal: Some(item.subtotal().to_string()),
    });
    Some(proto::Order {
        id: values.id.to_string(),
        user_id: values.user_id.as_str().to_owned(),
        status: status(values.status).into(),
        total_amount: values.total.to_string(),
        items: items.collect(),
        shipping_address: values
            .shipping_address
            .as_ref()
            .map(|address| ShippingAddress {
                street: address.street().to_owned(),
                city: address.city().to_owned(),
                postal_code: address.postal_code().to_owned(),
            }),
        tracking_number: values
            .shipment
            .as_ref()
            .map(|shipment| shipment.tracking_number.as_str().to_owned()),
        version: signed(order.version().0),
        created_at: Some(to_timestamp(values.created_at)),
        updated_at: Some(to_timestamp(values.updated_at)),
    })
}

fn status(status: OrderStatus) -> proto::OrderStatus {
    match status {
        OrderStatus::Pending => proto::OrderStatus::Pending,
        OrderStatus::Processing => proto::OrderStatus::Processing,
        OrderStatus::Confirmed => proto::OrderStatus::Confirmed,
        OrderStatus::Shipped => proto::OrderStatus::Shipped,
        OrderStatus::Delivered => proto::OrderStatus::Delivered,
        OrderStatus::Cancelled => proto::OrderStatus::Cancelled,
        OrderStatus::Failed => proto::OrderStatus::Failed,
    }
}
