//! The ledger's statements: a batch is one JSON array, so that the text of a statement does not depend on the number of rows.

use std::collections::HashMap;

use command_database::{CommandDatabase, DatabaseError};
use domain::value::Money;
use sagas::OperationKey;
use serde_json::json;
use sql_database::Statement;
use sqlx::AssertSqlSafe;

use super::record::{Action, Decision, ProviderKind, Record, SimulatedCall, State};

/// The columns that every statement returns.
const COLUMNS: &str =
    "kind, key, order_id, amount_cents, state, reference, undo_reference, deliveries, undos";
const INSERT: &str = "\
    INSERT INTO simulated_book AS b \
        (kind, key, order_id, amount_cents, state, reference, undo_reference, deliveries, undos, created_at, \
         undone_at)";
const ACT: &str = "\
    SELECT e.kind, e.key, e.order_id, e.amount_cents, e.state, e.reference, e.undo_reference, 1, 0, $2, \
           CAST(NULL AS BIGINT)";
const ON_ACT: &str = "DO UPDATE SET deliveries = b.deliveries + 1";
const UNDO: &str = "\
    SELECT e.kind, e.key, e.order_id, e.amount_cents, 'closed', '', e.undo_reference, 0, 1, $2, $2";
const ON_UNDO: &str = "\
    DO UPDATE SET undos = b.undos + 1, \
        state = CASE b.state WHEN 'done' THEN 'compensated' ELSE b.state END, \
        undone_at = COALESCE(b.undone_at, excluded.undone_at)";
const ROWS_SQLITE: &str = "\
    (SELECT value ->> '$.kind' AS kind, value ->> '$.key' AS key, value ->> '$.order_id' AS order_id, \
            value ->> '$.amount_cents' AS amount_cents, value ->> '$.state' AS state, \
            value ->> '$.reference' AS reference, value ->> '$.undo_reference' AS undo_reference \
     FROM json_each($1)) AS e";
const ROWS_POSTGRES: &str = "\
    jsonb_to_recordset($1::text::jsonb) AS e \
        (kind text, key text, order_id text, amount_cents bigint, state text, reference text, undo_reference text)";
const LOOK_UP: &str = "FROM simulated_book WHERE kind = $1 AND key = $2";

type Row = (
    String,
    String,
    String,
    i64,
    String,
    String,
    String,
    i64,
    i64,
);

/// Writes a batch of calls with different keys, and returns their rows.
pub(super) async fn write(
    database: &CommandDatabase,
    call: &SimulatedCall,
    actions: &[&Action],
    now: i64,
) -> Result<HashMap<(String, String), Record>, DatabaseError> {
    let rows = if database.is_sqlite() {
        ROWS_SQLITE
    } else {
        ROWS_POSTGRES
    };
    let (values, on_conflict) = match call {
        SimulatedCall::Act => (ACT, ON_ACT),
        SimulatedCall::Undo => (UNDO, ON_UNDO),
    };
    // Without WHERE, SQLite parses ON as part of a join.
    let text = format!(
        "{INSERT} {values} FROM {rows} WHERE true ON CONFLICT (kind, key) {on_conflict} RETURNING {COLUMNS}"
    );
    let write = Statement::new("write the simulated providers' ledger", AssertSqlSafe(text))
        .bind(as_json(actions))
        .bind(now);
    let rows: Vec<Row> = database.write(write).await?;
    rows.into_iter().map(read).collect()
}

/// The row of one key.
pub(super) async fn look_up(
    database: &CommandDatabase,
    kind: ProviderKind,
    key: &OperationKey,
) -> Result<Option<Record>, DatabaseError> {
    let text = format!("SELECT {COLUMNS} {LOOK_UP}");
    let look_up = Statement::new("read the simulated providers' ledger", AssertSqlSafe(text))
        .bind(kind.name())
        .bind(key.as_str());
    let row: Option<Row> = database.fetch_optional(look_up).await?;
    row.map(|row| read(row).map(|(_, record)| record))
        .transpose()
}

/// In the order of the keys, so that processes on the same ledger lock its rows in the same order and do not deadlock.
fn as_json(actions: &[&Action]) -> String {
    let mut sorted = actions.to_vec();
    sorted.sort_by_key(|action| (action.kind, &action.key));
    let rows = sorted.into_iter().map(|action| {
        let (state, reference) = match &action.decision {
            Decision::Done(reference) => (State::Done, reference),
            Decision::Declined(reason) => (State::Declined, reason),
        };
        json!({
            "kind": action.kind.name(),
            "key": action.key.as_str(),
            "order_id": action.order_id.as_str(),
            "amount_cents": action.amount.cents(),
            "state": state.name(),
            "reference": reference,
            "undo_reference": action.undo_reference,
        })
    });
    serde_json::Value::Array(rows.collect()).to_string()
}

/// A row, by its kind and key as they are stored.
fn read(row: Row) -> Result<((String, String), Record), DatabaseError> {
    let (kind, key, order_id, cents, state, reference, undo_reference, deliveries, undos) = row;
    let Some(state) = State::parse(&state) else {
        let unknown = sqlx::Error::Decode("an unknown state".into());
        return Err(DatabaseError::new(
            "read the simulated providers' ledger",
            unknown,
        ));
    };
    let record = Record {
        order_id,
        amount: Money::from_cents(cents),
        state,
        reference,
        undo_reference,
        deliveries,
        undos,
    };
    Ok(((kind, key), record))
}
