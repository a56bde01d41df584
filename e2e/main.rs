//! End-to-end tests of the binaries, over HTTP and gRPC.
//!
//! Most journeys run twice: on `shop`, one process on SQLite, and on three processes on three PostgreSQL databases.

mod api_examples;
mod bad_input;
mod compose;
mod docs_sql;
mod faults;
mod journeys;
mod monitoring;
mod readme_tour;
mod support;
