//! Brings a schema up to date, step by step, while other processes may start at the same time.

use std::collections::BTreeSet;

use event_sourcing::StoreError;

use crate::error::failed;
use crate::{Database, OlderFormat, Statement, Transaction};

/// One step of a schema.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Its number, from [`step`](crate::format::step).
    pub version: i64,
    /// The oldest step that a binary may know as its last and still run on a database with this one.
    pub serves_from: i64,
    /// What it does on SQLite.
    pub sqlite: &'static str,
    /// What it does on PostgreSQL.
    pub postgres: &'static str,
}

/// The steps of one database, and where it notes those that are done.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    /// What errors call the database.
    pub database: &'static str,
    /// The table of the steps that are done.
    pub table: &'static str,
    /// The key of the lock under which it is migrated.
    pub lock: i64,
    /// The steps, the first one first.
    pub migrations: &'static [Migration],
}

const MAKE: &str = "CREATE TABLE IF NOT EXISTS {table} \
     (version bigint PRIMARY KEY, serves_from bigint NOT NULL)";
const DONE: &str = "SELECT version, serves_from FROM {table}";
const NOTE: &str = "INSERT INTO {table} (version, serves_from) VALUES ($1, $2)";

/// Why a database cannot be used by this binary.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// It cannot be reached, or a step failed.
    #[error(transparent)]
    Failed(#[from] StoreError),
    /// An older build made it, and there is no migration.
    #[error(transparent)]
    OlderFormat(#[from] OlderFormat),
    /// A newer binary has changed it beyond what this one can serve.
    #[error("the {database} needs a binary of schema {needs}, this one is of schema {has}")]
    TooOld {
        /// What the database is called.
        database: &'static str,
        /// The oldest schema that may run.
        needs: i64,
        /// This binary's.
        has: i64,
    },
    /// It misses a step, and this process was told not to migrate.
    #[error("the {database} misses schema {missing}, and migrations are off")]
    Behind {
        /// What the database is called.
        database: &'static str,
        /// The first step that is missing.
        missing: i64,
    },
}

impl SchemaError {
    /// The same as a store's error.
    #[must_use]
    pub fn into_store_error(self, operation: &'static str) -> StoreError {
        match self {
            Self::Failed(error) => error,
            unfit => failed(operation, unfit),
        }
    }
}

impl Schema {
    /// Runs the steps that are missing. Steps that only newer binaries know are accepted as long as they serve this one,
    /// so that old and new run side by side.
    ///
    /// # Errors
    /// [`SchemaError`]
    pub async fn migrate(&self, database: &Database) -> Result<(), SchemaError> {
        const OPERATION: &str = "migrate the schema";
        let name = database.name().await?;
        // Processes that start together migrate one after the other.
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
                .bind(migration.serves_from);
            transaction.execute(note).await?;
        }
        transaction.commit(OPERATION).await?;
        Ok(())
    }

    /// Requires that no step is missing, for a process that must not change the schema.
    ///
    /// # Errors
    /// [`SchemaError`]
    pub async fn check(&self, database: &Database) -> Result<(), SchemaError> {
        let name = database.name().await?;
        let done = Statement::new("read the schema", DONE).on_table(self.table);
        let done: Vec<(i64, i64)> = database.fetch_all(done).await?;
        match self.missing(name, &done)?.next() {
            Some(step) => Err(SchemaError::Behind {
                database: self.database,
                missing: step.version,
            }),
            None => Ok(()),
        }
    }

    /// A durable transaction that holds the schema's lock to its end.
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
        OlderFormat::refuse(self.database, name, versions.iter().copied())?;
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
            serves_from: step(1),
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
    fn what_is_done_is_not_done_again() {
        let versions = |done: &[(i64, i64)]| missing(done).expect("served");
        let done = [1, 2, 3].map(|number| (step(number), step(1)));
        assert_eq!(versions(&[]), [step(1), step(2), step(3)]);
        assert_eq!(versions(&done[..1]), [step(2), step(3)]);
        assert_eq!(versions(&done), [0_i64; 0]);
    }

    #[test]
    fn a_newer_schema_is_accepted_as_long_as_it_serves_this_binary() {
        let first = (step(1), step(1));
        assert!(missing(&[first, (step(99), step(1))]).is_ok());
        let refused = missing(&[first, (step(99), step(99))]).expect_err("newer");
        let SchemaError::TooOld { needs, has, .. } = refused else {
            panic!("{refused}");
        };
        assert_eq!((needs, has), (step(99), step(3)));
    }

    #[test]
    fn a_database_of_an_older_build_is_refused_by_its_name() {
        let refused = missing(&[(1, 1), (5, 1)]).expect_err("an older build");
        let message = refused.to_string();
        assert!(
            message.contains("the command database command.db"),
            "{message}"
        );
        assert!(message.contains("format 0"), "{message}");
    }
}
