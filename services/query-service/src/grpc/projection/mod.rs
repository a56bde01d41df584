//! How the projections are.

mod reply;
mod service;

pub(super) use service::ProjectionApi;
