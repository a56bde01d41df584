//! Journeys of clients through the public API.

mod browser;
mod catalogue;
mod endpoints;
mod foreign;
mod front_ends;
mod generated_operations;
mod harmless_input;
mod idempotency;
mod limits;
mod logs;
mod many;
mod metrics;
mod order_requests;
mod orders;
mod orders_underway;
mod read_your_writes;
mod subscriptions;
mod suspended;
mod tls;
mod traces;
mod validation;
