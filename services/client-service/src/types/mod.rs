//! The types of the schema.
//!
//! An object that comes from a command's reply lacks what the command did not touch; those fields are read from
//! the read side, at the command's position, when somebody asks for them.

mod category;
mod inputs;
mod order;
mod product;
mod saga;
mod statistics;
mod status;

pub use category::Category;
pub use inputs::{
    CancelOrderInput, CreateCategoryInput, CreateOrderInput, CreateProductInput, OrderItemInput,
    ShippingAddressInput, UpdateCategoryInput, UpdateProductInput, clearable, not_null,
};
pub use order::Order;
pub use product::Product;
pub use saga::{SagaState, SagaStatusInfo};
pub use statistics::{CategoryStatistics, ProductStatistics};
pub use status::{OrderStatus, SagaStatus};

use contract::time;

use crate::date_time::DateTime;
use crate::errors::ApiError;

/// A time of the read side.
fn from_micros(micros: i64) -> Result<DateTime, ApiError> {
    time::from_micros(micros)
        .map(DateTime)
        .ok_or_else(|| ApiError::internal("a time outside the calendar"))
}

/// A time of the write side.
fn from_timestamp(timestamp: Option<&prost_types::Timestamp>) -> Result<DateTime, ApiError> {
    timestamp
        .and_then(time::from_timestamp)
        .map(DateTime)
        .ok_or_else(|| ApiError::internal("a time is missing or outside the calendar"))
}

/// A count as GraphQL's 32 bits; what does not fit is shown as the most that does.
fn to_int(count: i64) -> i32 {
    i32::try_from(count).unwrap_or(if count < 0 { i32::MIN } else { i32::MAX })
}
