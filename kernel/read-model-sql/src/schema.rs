//! The bookkeeping's own schema. Projections' tables are not here: each generation makes its own.

use sql_database::format::step;
use sql_database::{Migration, Schema};

/// Its steps. Generations are made under its lock as well.
pub(crate) const SCHEMA: Schema = Schema {
    database: "query database",
    table: "read_model_schema",
    lock: 7_236_413_218,
    migrations: &[
        Migration {
            version: step(1),
            serves_from: step(1),
            sqlite: include_str!("../migrations/0001_bookkeeping.sql"),
            postgres: include_str!("../migrations/0001_bookkeeping.sql"),
        },
        Migration {
            version: step(2),
            // A binary without it would move checkpoints without saying of which log they are.
            serves_from: step(2),
            sqlite: include_str!("../migrations/0002_versions.sql"),
            postgres: include_str!("../migrations/0002_versions.sql"),
        },
    ],
};
