//! Requests with an Idempotency-Key.

mod service;

pub(super) use service::IdempotencyApi;
