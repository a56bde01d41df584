//! The schema of the tables.

use sql_database::format::step;
use sql_database::{Migration, Schema};

pub(crate) const SCHEMA: Schema = Schema {
    database: "database of the idempotent requests",
    table: "idempotency_schema",
    lock: 7_236_413_221,
    migrations: &[Migration {
        version: step(1),
        oldest_binary: step(1),
        sqlite: include_str!("../migrations/sqlite/0001_idempotent_requests.sql"),
        postgres: include_str!("../migrations/postgres/0001_idempotent_requests.sql"),
    }],
};
