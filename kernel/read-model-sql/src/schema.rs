//! The schema of the bookkeeping tables. Each generation creates its own table with rows.

use sql_database::format::step;
use sql_database::{Migration, Schema};

/// The migrations. Generations are created under the same lock.
pub(crate) const SCHEMA: Schema = Schema {
    database: "query database",
    table: "read_model_schema",
    lock: 7_236_413_218,
    migrations: &[
        Migration {
            version: step(1),
            oldest_binary: step(1),
            sqlite: include_str!("../migrations/0001_bookkeeping.sql"),
            postgres: include_str!("../migrations/0001_bookkeeping.sql"),
        },
        Migration {
            version: step(2),
            // A binary without it would move checkpoints without recording their log.
            oldest_binary: step(2),
            sqlite: include_str!("../migrations/0002_versions.sql"),
            postgres: include_str!("../migrations/0002_versions.sql"),
        },
        Migration {
            version: step(3),
            // A binary without it ignores the rebuilds, and its runner is fenced by a swap as any other.
            oldest_binary: step(2),
            sqlite: include_str!("../migrations/0003_rebuilds.sql"),
            postgres: include_str!("../migrations/0003_rebuilds.sql"),
        },
    ],
};
