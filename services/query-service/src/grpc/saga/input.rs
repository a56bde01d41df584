//! Converts messages into queries of sagas.

use contract::query::{self, SagaListRequest};
use domain::fulfilment::parse_saga_type;
use sagas::SagaStatus;
use tonic::Status;

use super::super::input::{id, invalid, unknown, window};
use crate::queries::SagaSearch;

pub(super) fn search(request: &SagaListRequest) -> Result<SagaSearch, Status> {
    let mut statuses = Vec::new();
    for given in &request.statuses {
        let status = status(*given)?;
        if !statuses.contains(&status) {
            statuses.push(status);
        }
    }
    let saga_type = request.r#type.as_deref();
    let saga_type = saga_type.map(|text| parse_saga_type("type", text));
    // Step names have the format of ids. Rows have steps of all versions of the saga definitions, so any name is valid.
    let step = request.step.as_deref().map(|text| id("step", text));
    Ok(SagaSearch {
        statuses,
        saga_type: saga_type.transpose().map_err(|error| invalid(&error))?,
        step: step.transpose()?.map(|step| step.to_string()),
        started_until: request.started_until_micros,
        window: window(request.limit, request.offset)?,
    })
}

fn status(given: i32) -> Result<SagaStatus, Status> {
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
