//! Input about orders and sagas.

use contract::query::{self, SagaListRequest};
use domain::fulfilment::parse_saga_type;
use domain::value::OrderStatus;
use sagas::SagaStatus;
use tonic::Status;

use super::input;
use crate::reads::SagaSearch;

pub(super) fn order_status(given: Option<i32>) -> Result<Option<OrderStatus>, Status> {
    given.map(one_order_status).transpose()
}

fn one_order_status(given: i32) -> Result<OrderStatus, Status> {
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

fn saga_status(given: i32) -> Result<SagaStatus, Status> {
    use query::SagaStatus as Wire;
    match Wire::try_from(given) {
        Ok(Wire::Started) => Ok(SagaStatus::Started),
        Ok(Wire::Running) => Ok(SagaStatus::Running),
        Ok(Wire::Compensating) => Ok(SagaStatus::Compensating),
        Ok(Wire::Completed) => Ok(SagaStatus::Completed),
        Ok(Wire::Failed) => Ok(SagaStatus::Failed),
        Ok(Wire::Compensated) => Ok(SagaStatus::Compensated),
        Ok(Wire::Suspended) => Ok(SagaStatus::Suspended),
        Ok(Wire::Unspecified) | Err(_) => Err(unknown(
            "statuses",
            &SagaStatus::ALL.map(SagaStatus::name),
            given,
        )),
    }
}

fn unknown(field: &str, names: &[&str], given: i32) -> Status {
    let rule = format!("be one of {}, got number {given}", names.join(", "));
    input::refused(field, &rule)
}

pub(super) fn saga_search(request: &SagaListRequest) -> Result<SagaSearch, Status> {
    let mut statuses = Vec::new();
    for given in &request.statuses {
        let status = saga_status(*given)?;
        if !statuses.contains(&status) {
            statuses.push(status);
        }
    }
    let saga_type = request.r#type.as_deref();
    let saga_type = saga_type.map(|text| parse_saga_type("type", text));
    // Steps are named as ids are. There are those of all versions of the tables, so that any name may be one.
    let step = request.step.as_deref().map(|text| input::id("step", text));
    Ok(SagaSearch {
        statuses,
        saga_type: saga_type
            .transpose()
            .map_err(|error| input::invalid(&error))?,
        step: step.transpose()?.map(|step| step.to_string()),
        started_until: request.started_until_micros,
        window: input::window(request.limit, request.offset)?,
    })
}
