//! The projection `accounts`: a row for each account, and its queries.

use event_sourcing::projection::{EventContext, Handlers};
use event_sourcing::{Position, Projection};
use read_model_sql::{
    Database, ReadBarrier, ReadError, ReadOptions, Snapshot, Statement, TableProjection,
};
use serde::{Deserialize, Serialize};

use crate::account::{Account, AccountEvent};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRow {
    pub id: String,
    pub owner: String,
    pub cents: i64,
}

#[derive(Debug)]
pub struct Accounts;

impl Projection for Accounts {
    const NAME: &'static str = "accounts";
    /// Raise it when the fold or the columns change: the next start builds a new table next to the old one.
    const SCHEMA_VERSION: u32 = 1;
    type Row = AccountRow;

    fn handlers(on: &mut Handlers<Self>) {
        on.aggregate::<Account>(fold);
    }
}

impl TableProjection for Accounts {
    const DDL: &'static str = "CREATE TABLE {table} \
        (id {text} PRIMARY KEY, owner text NOT NULL, cents bigint NOT NULL);";

    fn key(row: &AccountRow) -> &str {
        &row.id
    }
}

/// The row after an event, from the row before it and nothing else, so that a rebuild gives the same rows.
fn fold(
    row: Option<AccountRow>,
    event: &AccountEvent,
    context: EventContext<'_>,
) -> Option<AccountRow> {
    let after = |cents: i64| {
        row.clone().map(|row| AccountRow {
            cents: row.cents + cents,
            ..row
        })
    };
    match event {
        AccountEvent::Opened(opened) => Some(AccountRow {
            id: context.key.to_owned(),
            owner: opened.owner.clone(),
            cents: 0,
        }),
        AccountEvent::Deposited(amount) => after(amount.cents),
        AccountEvent::Withdrawn(amount) => after(-amount.cents),
    }
}

const BY_ID: &str = "SELECT id, owner, cents FROM {table} WHERE id = $1";
const LIST: &str = "SELECT id, owner, cents FROM {table} ORDER BY id LIMIT $1";

/// The queries. A result carries the position of the log that it reflects.
#[derive(Debug)]
pub struct AccountQueries {
    database: Database,
    barrier: ReadBarrier,
}

impl AccountQueries {
    #[must_use]
    pub const fn new(database: Database, barrier: ReadBarrier) -> Self {
        Self { database, barrier }
    }

    /// # Errors
    /// [`ReadError`]
    pub async fn by_id(
        &self,
        id: &str,
        at: ReadOptions,
    ) -> Result<(Option<AccountRow>, Position), ReadError> {
        let read = Statement::new("read an account", BY_ID).bind(id);
        let Snapshot { value, position } = self.read(read, at).await?;
        Ok((value.into_iter().next(), position))
    }

    /// Up to `limit` accounts, in the order of their ids.
    ///
    /// # Errors
    /// [`ReadError`]
    pub async fn list(
        &self,
        limit: i64,
        at: ReadOptions,
    ) -> Result<(Vec<AccountRow>, Position), ReadError> {
        let read = Statement::new("list the accounts", LIST).bind(limit);
        let Snapshot { value, position } = self.read(read, at).await?;
        Ok((value, position))
    }

    /// Waits until the rows reflect what the caller must see, and reads them together with their position.
    async fn read(
        &self,
        read: Statement,
        at: ReadOptions,
    ) -> Result<Snapshot<Vec<AccountRow>>, ReadError> {
        let reached = self.barrier.reach(at).await?;
        let table = (self.database.version_of::<Accounts>(), reached.generation);
        let found = self.database.fetch_snapshot(table, read, Some("id"));
        Ok(found.await?)
    }
}

#[cfg(test)]
mod tests {
    use event_sourcing::testing::given_log;

    use super::*;
    use crate::account::{Amount, Opened};

    #[test]
    fn a_row_has_what_the_account_has() {
        let owner = "ann".to_owned();
        let row = AccountRow {
            id: "a".to_owned(),
            owner: "ann".to_owned(),
            cents: 70,
        };
        given_log()
            .with::<Account>("a", &AccountEvent::Opened(Opened { owner }))
            .with::<Account>("a", &AccountEvent::Deposited(Amount { cents: 100 }))
            .with::<Account>("a", &AccountEvent::Withdrawn(Amount { cents: 30 }))
            .when_projected::<Accounts>()
            .then([("a", row)]);
    }
}
