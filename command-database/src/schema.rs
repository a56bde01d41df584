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
        sqlite: include_str!("../migrations/sqlite/0001_idempotent_requests.sql"),
        postgres: include_str!("../migrations/postgres/0001_idempotent_requests.sql"),
    },
    Migration {
        version: step(2),
        oldest_binary: step(1),
        sqlite: include_str!("../migrations/sqlite/0002_providers.sql"),
        postgres: include_str!("../migrations/postgres/0002_providers.sql"),
    },
    Migration {
        version: step(3),
        oldest_binary: step(1),
        sqlite: include_str!("../migrations/sqlite/0003_log_marks.sql"),
        postgres: include_str!("../migrations/postgres/0003_log_marks.sql"),
    },
    Migration {
        version: step(4),
        oldest_binary: step(1),
        sqlite: include_str!("../migrations/sqlite/0004_write_probe.sql"),
        postgres: include_str!("../migrations/postgres/0004_write_probe.sql"),
    },
    Migration {
        version: step(5),
        oldest_binary: step(1),
        sqlite: include_str!("../migrations/sqlite/0005_running_time.sql"),
        postgres: include_str!("../migrations/postgres/0005_running_time.sql"),
    },
];
