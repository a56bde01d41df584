//! Converts messages into queries of orders.

use contract::query::{
    self, OrderConnectionRequest, OrderListRequest, OrderPeriod, OrderSort, UserOrderListRequest,
};
use domain::value::{OrderStatus, UserId};
use tonic::Status;

use super::super::input::{self, invalid, invalid_argument, unknown, window};
use crate::queries::{
    OrderFilter, OrderSearch, OrderSortField, PageSlice, Sort, SortDirection, SortField,
};

pub(super) fn search(request: OrderListRequest) -> Result<OrderSearch, Status> {
    Ok(OrderSearch {
        filter: filter(None, request.status, request.period)?,
        sort: sort(request.sort)?,
        window: window(request.limit, request.offset)?,
    })
}

pub(super) fn user_search(request: &UserOrderListRequest) -> Result<OrderSearch, Status> {
    Ok(OrderSearch {
        filter: filter(Some(&request.user_id), request.status, request.period)?,
        sort: sort(request.sort)?,
        window: window(request.limit, request.offset)?,
    })
}

pub(super) fn connection(
    request: OrderConnectionRequest,
) -> Result<(OrderFilter, Sort<OrderSortField>, PageSlice), Status> {
    let filter = filter(request.user_id.as_deref(), request.status, request.period)?;
    let sort = sort(request.sort)?;
    let slice = input::slice(request.slice, sort.field.columns())?;
    Ok((filter, sort, slice))
}

fn filter(
    user_id: Option<&str>,
    status: Option<i32>,
    period: Option<OrderPeriod>,
) -> Result<OrderFilter, Status> {
    let user = user_id.map(|user| UserId::parse("user_id", user));
    let OrderPeriod {
        created_from_micros: from,
        created_before_micros: before,
    } = period.unwrap_or_default();
    if let (Some(from), Some(before)) = (from, before)
        && from > before
    {
        let rule = format!("be at most created_before_micros ({before}), got {from}");
        return Err(invalid_argument("period.created_from_micros", &rule));
    }
    Ok(OrderFilter {
        user_id: user.transpose().map_err(|error| invalid(&error))?,
        status: self::status(status)?,
        created_from: from,
        created_before: before,
    })
}

fn sort(given: Option<OrderSort>) -> Result<Sort<OrderSortField>, Status> {
    use query::OrderSortField as Wire;
    let given = given.unwrap_or_default();
    let field = match Wire::try_from(given.field) {
        Ok(Wire::Unspecified | Wire::CreatedAt) => OrderSortField::CreatedAt,
        Err(_) => return Err(unknown("sort.field", &["CREATED_AT"], given.field)),
    };
    let direction = input::direction(given.direction, SortDirection::Descending)?;
    Ok(Sort { field, direction })
}

fn status(given: Option<i32>) -> Result<Option<OrderStatus>, Status> {
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
