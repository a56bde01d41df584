//! The schema of the tables.

use sql_database::format::step;
use sql_database::{Migration, Schema};

/// The migrations, which are the same on both engines.
pub(crate) const SCHEMA: Schema = Schema {
    database: "database of the event handlers",
    table: "event_handler_schema",
    lock: 7_236_413_220,
    migrations: &[Migration {
        version: step(1),
        oldest_binary: step(1),
        sqlite: include_str!("../migrations/0001_event_handlers.sql"),
        postgres: include_str!("../migrations/0001_event_handlers.sql"),
    }],
};
