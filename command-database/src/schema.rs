//! The command database's own schema.

use sql_database::format::step;
use sql_database::{Migration, Schema};

pub(crate) const SCHEMA: Schema = Schema {
    database: "command database",
    table: "command_schema",
    lock: 7_236_413_219,
    migrations: MIGRATIONS,
};

const MIGRATIONS: &[Migration] = &[
    Migration {
        version: step(1),
        oldest_binary: step(1),
        sqlite: include_str!("../migrations/sqlite/0001_providers.sql"),
        postgres: include_str!("../migrations/postgres/0001_providers.sql"),
    },
    Migration {
        version: step(2),
        oldest_binary: step(1),
        sqlite: include_str!("../migrations/sqlite/0002_write_probe.sql"),
        postgres: include_str!("../migrations/postgres/0002_write_probe.sql"),
    },
];
