//! The gateway, tested over HTTP, with the two services on SQLite in the same process.

mod browsers;
mod catalogue;
mod cost;
mod documentation;
mod event_streams;
mod failures;
mod fakes;
mod http_rules;
mod idempotency;
mod limits;
mod order_failures;
mod order_journeys;
mod order_subscriptions;
mod orders;
mod outcomes;
mod positions;
mod reads;
mod relay;
mod relay_compiler;
mod request_ids;
mod schema;
mod specification;
mod subscriptions;
mod test_gateway;
mod wrong_input;
