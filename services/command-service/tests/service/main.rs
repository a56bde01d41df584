//! The write side over real gRPC, on both engines.

mod authentication;
mod category;
mod deadlines;
mod event_handlers;
mod fulfilment;
mod idempotency;
mod input;
mod orders;
mod outage;
#[path = "../support/place.rs"]
mod place;
mod product;
mod projections;
mod protocol;
mod race;
mod repeat;
mod saga_actions;
mod sagas;
mod settings;
mod stock;
mod support;
