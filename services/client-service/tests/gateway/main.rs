//! The gateway as its clients see it: over HTTP, in front of the two services on SQLite in this process.

mod catalogue;
mod failures;
mod fakes;
mod http_rules;
mod idempotency;
mod limits;
mod order_failures;
mod order_journeys;
mod orders;
mod outcomes;
mod positions;
mod reads;
mod request_ids;
mod schema;
mod specification;
mod test_gateway;
mod wrong_input;
