//! A snapshot of a server's database that several sessions read, such as one here and one of `pg_dump`.

use event_sourcing::StoreError;

use crate::error::failed;
use crate::statement::Statement;
use crate::transaction::Transaction;

const EXPORT: &str = "export a snapshot";
/// The timeout is off because the transaction is idle while another program uses the snapshot.
const REPEATABLE: &str = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY; \
     SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL statement_timeout = 0";

/// The server exported no snapshot.
#[derive(Debug, thiserror::Error)]
#[error("the server exported no snapshot")]
struct NoSnapshot;

/// Makes `transaction`, in which no statement has run yet, read from one snapshot, and returns that snapshot's name. It can be
/// used until the transaction ends.
///
/// # Errors
/// [`StoreError`] if the server cannot be reached.
pub async fn export(transaction: &mut Transaction) -> Result<String, StoreError> {
    transaction.run_script(EXPORT, REPEATABLE).await?;
    let export = Statement::new(EXPORT, "SELECT pg_export_snapshot()");
    let names: Vec<(String,)> = transaction.fetch_all(export).await?;
    let name = names.into_iter().next();
    name.map(|(name,)| name)
        .ok_or_else(|| failed(EXPORT, NoSnapshot))
}
