//! The sagas of orders.

mod input;
mod reply;
mod service;

pub(super) use service::SagaApi;
