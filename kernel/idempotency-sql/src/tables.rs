//! The tables, in a database that may hold others.

use event_sourcing::StoreError;
use sql_database::{Database, Record, Statement};

use crate::schema::SCHEMA;

/// The tables of idempotent requests in a database. Clones share its connections.
#[derive(Clone, Debug)]
pub struct RequestTables {
    database: Database,
}

impl RequestTables {
    /// Opens the tables in `database` and runs missing migrations; without `migrate`, a missing migration is an error.
    /// The database must be durable: a stored answer must survive a crash.
    ///
    /// # Errors
    /// [`StoreError`] if the database cannot be reached, or its schema does not fit this binary.
    pub async fn open(database: Database, migrate: bool) -> Result<Self, StoreError> {
        let prepared = if migrate {
            SCHEMA.migrate(&database).await
        } else {
            SCHEMA.check(&database).await
        };
        prepared
            .map_err(|error| error.into_store_error("migrate the idempotent requests' tables"))?;
        Ok(Self { database })
    }

    /// Checks the permission to store an answer, without storing one.
    ///
    /// # Errors
    /// [`StoreError`] if the table cannot be written.
    pub async fn probe_write(&self) -> Result<(), StoreError> {
        // The database checks permissions before the first row, also if there is none.
        const RIGHTS: &str =
            "INSERT INTO idempotent_requests SELECT * FROM idempotent_requests WHERE 1 = 0";
        let rights = Statement::new("probe the idempotent requests", RIGHTS);
        self.database.execute(rights).await?;
        Ok(())
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        self.database.is_sqlite()
    }

    pub(crate) async fn fetch_all<T: Record>(
        &self,
        statement: Statement,
    ) -> Result<Vec<T>, StoreError> {
        self.database.fetch_all(statement).await
    }

    pub(crate) async fn fetch_optional<T: Record>(
        &self,
        statement: Statement,
    ) -> Result<Option<T>, StoreError> {
        self.database.fetch_optional(statement).await
    }

    pub(crate) async fn write_optional<T: Record>(
        &self,
        statement: Statement,
    ) -> Result<Option<T>, StoreError> {
        self.database.write_optional(statement).await
    }

    pub(crate) async fn execute(&self, statement: Statement) -> Result<u64, StoreError> {
        self.database.execute(statement).await
    }
}
