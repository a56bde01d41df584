//! The status of projections.

mod reply;
mod service;

pub(super) use service::ProjectionApi;
