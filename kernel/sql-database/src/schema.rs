//! Runs the migrations of a schema, while other processes may start concurrently.

use std::collections::BTreeSet;

use event_sourcing::StoreError;

use crate::error::failed;
use crate::{Database, OlderFormat, Statement, Transaction};

/// One migration of a schema.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Its version, from [`step`](crate::format::step).
    pub version: i64,
    /// The oldest binary that can use a database with this migration, by the version of that binary's last migration.
    pub oldest_binary: i64,
    /// The script for SQLite.
    pub sqlite: &'static str,
    /// The script for PostgreSQL.
    pub postgres: &'static str,
}

/// The migrations of one database, and the table that records those that have run.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    /// The name of the database in errors.
    pub database: &'static str,
    /// The table that records the migrations that have run.
    pub table: &'static str,
    /// The key of the lock that serializes migrations.
    pub lock: i64,
    /// The migrations in order.
    pub migrations: &'static [Migration],
}

const MAKE: &str = "CREATE TABLE IF NOT EXISTS {table} \
     (version bigint PRIMARY KEY, serves_from bigint NOT NULL)";
const DONE: &str = "SELECT version, serves_from FROM {table}";
const NOTE: &str = "INSERT INTO {table} (version, serves_from) VALUES ($1, $2)";

/// Why a database cannot be used by this binary.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The database cannot be reached, or a migration failed.
    #[error(transparent)]
    Failed(#[from] StoreError),
    /// The database was created by an older build, and there is no migration from it.
    #[error(transparent)]
    OlderFormat(#[from] OlderFormat),
    /// A newer binary migrated the database to a schema that this one does not support.
    #[error("the {database} needs a binary of schema {needs}, this one is of schema {has}")]
    TooOld {
        /// The name of the database.
        database: &'static str,
        /// The oldest binary schema that the database supports.
        needs: i64,
        /// The schema of this binary.
        has: i64,
    },
    /// A migration is missing, and this process must not migrate.
    #[error("the {database} lacks schema {missing}, and migrations are off")]
    MissingMigration {
        /// The name of the database.
        database: &'static str,
        /// The first missing migration.
        missing: i64,
    },
}

impl SchemaError {
    /// Converts to a store's error.
    #[must_use]
    pub fn into_store_error(self, operation: &'static str) -> StoreError {
        match self {
            Self::Failed(error) => error,
            unfit => failed(operation, unfit),
        }
    }
}

impl Schema {
    /// Runs the missing migrations. Migrations that only newer binaries have are accepted as long as they support this
    /// one, so that old and new binaries can run at the same time.
    ///
    /// # Errors
    /// [`SchemaError`] if the database does not fit this binary, or a migration failed.
    pub async fn migrate(&self, database: &Database) -> Result<(), SchemaError> {
        const OPERATION: &str = "migrate the schema";
        let name = database.name().await?;
        // The lock is held until the commit: of processes that start together, one migrates and the others then find
        // nothing to do. A crash in between rolls everything back.
        let mut transaction = self.lock(database).await?;
        let make = Statement::new(OPERATION, MAKE).on_table(self.table);
        transaction.execute(make).await?;
        let done = Statement::new(OPERATION, DONE).on_table(self.table);
        let done: Vec<(i64, i64)> = transaction.fetch_all(done).await?;
        for migration in self.missing(name, &done)? {
            let script = if database.is_sqlite() {
                migration.sqlite
            } else {
                migration.postgres
            };
            transaction.run_script(OPERATION, script).await?;
            let note = Statement::new(OPERATION, NOTE)
                .on_table(self.table)
                .bind(migration.version)
                .bind(migration.oldest_binary);
            transaction.execute(note).await?;
        }
        transaction.commit(OPERATION).await?;
        Ok(())
    }

    /// Checks that no migration is missing, for a process that must not change the schema.
    ///
    /// # Errors
    /// [`SchemaError`] if the database does not fit this binary, or a migration is missing.
    pub async fn check(&self, database: &Database) -> Result<(), SchemaError> {
        let name = database.name().await?;
        let done = Statement::new("read the schema", DONE).on_table(self.table);
        let done: Vec<(i64, i64)> = database.fetch_all(done).await?;
        match self.missing(name, &done)?.next() {
            Some(step) => Err(SchemaError::MissingMigration {
                database: self.database,
                missing: step.version,
            }),
            None => Ok(()),
        }
    }

    /// Starts a durable transaction that holds the schema's lock until its end.
    ///
    /// # Errors
    /// [`StoreError`] if the database cannot be written.
    pub async fn lock(&self, database: &Database) -> Result<Transaction, StoreError> {
        let mut transaction = database.begin().await?;
        transaction
            .lock_schema("lock the schema", self.lock)
            .await?;
        transaction.make_durable().await?;
        Ok(transaction)
    }

    fn missing(
        &self,
        name: String,
        done: &[(i64, i64)],
    ) -> Result<impl Iterator<Item = &'static Migration>, SchemaError> {
        let versions: BTreeSet<i64> = done.iter().map(|(version, _)| *version).collect();
        OlderFormat::check(self.database, name, versions.iter().copied())?;
        let has = self.migrations.last().map_or(0, |step| step.version);
        let needs = done.iter().map(|(_, from)| *from).max().unwrap_or(0);
        if needs > has {
            return Err(SchemaError::TooOld {
                database: self.database,
                needs,
                has,
            });
        }
        let migrations = self.migrations.iter();
        Ok(migrations.filter(move |step| !versions.contains(&step.version)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::step;

    const fn migration(number: i64) -> Migration {
        Migration {
            version: step(number),
            oldest_binary: step(1),
            sqlite: "",
            postgres: "",
        }
    }

    const SCHEMA: Schema = Schema {
        database: "command database",
        table: "command_schema",
        lock: 1,
        migrations: &[migration(1), migration(2), migration(3)],
    };

    fn missing(done: &[(i64, i64)]) -> Result<Vec<i64>, SchemaError> {
        let missing = SCHEMA.missing("command.db".to_owned(), done)?;
        Ok(missing.map(|step| step.version).collect())
    }

    #[test]
    fn only_missing_migrations_are_run() {
        let versions = |done: &[(i64, i64)]| missing(done).expect("supported");
        let done = [1, 2, 3].map(|number| (step(number), step(1)));
        assert_eq!(versions(&[]), [step(1), step(2), step(3)]);
        assert_eq!(versions(&done[..1]), [step(2), step(3)]);
        assert_eq!(versions(&done), [0_i64; 0]);
    }

    #[test]
    fn a_newer_schema_is_accepted_while_it_supports_this_binary() {
        let first = (step(1), step(1));
        assert!(missing(&[first, (step(99), step(1))]).is_ok());
        let rejected = missing(&[first, (step(99), step(99))]).expect_err("newer");
        let SchemaError::TooOld { needs, has, .. } = rejected else {
            panic!("{rejected}");
        };
        assert_eq!((needs, has), (step(99), step(3)));
    }

    #[test]
    fn a_database_of_an_older_build_is_rejected_with_its_name() {
        let rejected = missing(&[(1, 1), (5, 1)]).expect_err("an older build");
        let message = rejected.to_string();
        assert!(
            message.contains("the command database command.db"),
            "{message}"
        );
        assert!(message.contains("format 0"), "{message}");
    }
}
