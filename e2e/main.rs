//! End-to-end tests: the binaries as people run them, asked over HTTP and gRPC as clients do.
//!
//! Most journeys run twice: on `shop`, one process on SQLite, and on three processes on three PostgreSQL databases.

mod docs_sql;
mod faults;
mod journeys;
mod readme_tour;
mod support;
