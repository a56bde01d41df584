//! Converts messages into queries of orders.

use contract::query;
use domain::value::OrderStatus;
use tonic::Status;

use super::super::input::unknown;

pub(super) fn status(given: Option<i32>) -> Result<Option<OrderStatus>, Status> {
    given.map(one_status).transpose()
}

fn one_status(given: i32) -> Result<OrderStatus, Status> {
    use query::OrderStatus as Wire;
    match Wire::try_from(given) {
        Ok(Wire::Pending) => Ok(OrderStatus::Pending),
        Ok(Wire::Processing) => Ok(OrderStatus::Processing),
        Ok(Wire::Confirmed) => Ok(OrderStatus::Confirmed),
        Ok(Wire::Shipped) => Ok(OrderStatus::Shipped),
        Ok(Wire::Delivered) => Ok(OrderStatus::Delivered),
        Ok(Wire::Cancelled) => Ok(OrderStatus::Cancelled),
        Ok(Wire::Failed) => Ok(OrderStatus::Failed),
        Ok(Wire::Unspecified) | Err(_) => Err(unknown(
            "status",
            &OrderStatus::ALL.map(OrderStatus::name),
            given,
        )),
    }
}
