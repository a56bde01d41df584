//! Stores which intent belongs to which key, and which events were received. Every step is one statement.

use std::sync::Arc;
use std::time::Duration;

use command_database::{CommandDatabase, DatabaseError};
use domain::fulfilment::Charge;
use event_sourcing::{Clock, FailureLog};
use platform::fields;
use sagas::{CallError, OperationKey};
use sql_database::Statement;
use tokio::time::Instant;

/// How long an event is stored. Stripe repeats an event for at most three days.
const EVENT_RETENTION: Duration = Duration::from_hours(24 * 30);
/// How many old events are deleted with each new one.
const MAX_DELETED_AT_ONCE: i64 = 10;

const BEGIN: &str = "\
    INSERT INTO stripe_payments AS p \
        (key, order_id, amount_cents, create_try, confirm_try, refund_try, closed, created_at) \
    VALUES ($1, $2, $3, 1, 1, 1, FALSE, $4) \
    ON CONFLICT (key) DO UPDATE SET create_try = p.create_try \
    RETURNING order_id, amount_cents, intent_id, create_try, confirm_try, refund_try, closed";
/// A key without a charge has no creation to look for: its `create_try` is 0.
const CLOSE: &str = "\
    INSERT INTO stripe_payments AS p \
        (key, order_id, amount_cents, create_try, confirm_try, refund_try, closed, created_at) \
    VALUES ($1, $2, $3, 0, 1, 1, TRUE, $4) \
    ON CONFLICT (key) DO UPDATE SET closed = TRUE \
    RETURNING order_id, amount_cents, intent_id, create_try, confirm_try, refund_try, closed";
const RECORD: &str = "\
    UPDATE stripe_payments SET intent_id = $2 \
    WHERE key = $1 AND NOT closed AND (intent_id IS NULL OR intent_id = $2)";
const FIND: &str = "\
    SELECT order_id, amount_cents, intent_id, create_try, confirm_try, refund_try, closed \
    FROM stripe_payments WHERE key = $1";
const KEY_OF: &str = "SELECT key FROM stripe_payments WHERE intent_id = $1";
const SEEN: &str = "SELECT 1 FROM stripe_events WHERE event_id = $1";
const SEE: &str = "INSERT INTO stripe_events (event_id, received_at) VALUES ($1, $2) ON CONFLICT (event_id) DO NOTHING";
const FORGET: &str = "\
    DELETE FROM stripe_events WHERE event_id IN \
        (SELECT event_id FROM stripe_events WHERE received_at < $1 ORDER BY received_at LIMIT $2)";

type Columns = (String, i64, Option<String>, i64, i64, i64, bool);

/// The ledger in the command database.
#[derive(Clone, Debug)]
pub(super) struct Ledger {
    database: CommandDatabase,
    clock: Arc<dyn Clock>,
}

/// The row of a key.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    order_id: String,
    amount_cents: i64,
    pub intent_id: Option<String>,
    /// 0 if no charge has started.
    pub create_try: i64,
    pub confirm_try: i64,
    pub refund_try: i64,
    pub closed: bool,
}

/// The calls that have their own idempotency key at Stripe.
#[derive(Clone, Copy, Debug)]
pub(super) enum IntentStage {
    Create,
    Confirm,
    Refund,
}

impl Entry {
    /// Whether the key was used for this charge.
    pub(super) fn is_for(&self, charge: &Charge) -> bool {
        self.order_id == charge.order_id.as_str() && self.amount_cents == charge.amount.cents()
    }
}

impl Ledger {
    pub(super) fn new(database: CommandDatabase, clock: Arc<dyn Clock>) -> Self {
        Self { database, clock }
    }

    /// Records that a charge is about to be made, if it is the first with this key.
    pub(super) async fn begin(
        &self,
        key: &OperationKey,
        charge: &Charge,
    ) -> Result<Entry, CallError> {
        self.upsert(BEGIN, key, charge).await
    }

    /// Closes the key: from now on no intent is recorded for it, so nothing new is confirmed.
    pub(super) async fn close(
        &self,
        key: &OperationKey,
        charge: &Charge,
    ) -> Result<Entry, CallError> {
        self.upsert(CLOSE, key, charge).await
    }

    /// Records the key's intent. Returns false if the key is closed or has another intent.
    pub(super) async fn record(&self, key: &OperationKey, intent: &str) -> Result<bool, CallError> {
        let record = Statement::new("record a payment intent", RECORD)
            .bind(key.as_str())
            .bind(intent);
        let changed = self.database.execute(record).await;
        changed
            .map(|rows| rows > 0)
            .map_err(|error| call_error(&error))
    }

    pub(super) async fn find(&self, key: &OperationKey) -> Result<Option<Entry>, CallError> {
        let find = Statement::new("look up a payment", FIND).bind(key.as_str());
        let columns: Result<Option<Columns>, _> = self.database.fetch_optional(find).await;
        columns
            .map(|columns| columns.map(entry))
            .map_err(|error| call_error(&error))
    }

    /// Has the next call of this stage use a new idempotency key at Stripe. `used` is the number of the last one.
    pub(super) async fn next_try(&self, key: &OperationKey, stage: IntentStage, used: i64) {
        let update = match stage {
            IntentStage::Create => {
                "UPDATE stripe_payments SET create_try = $2 WHERE key = $1 AND create_try < $2"
            }
            IntentStage::Confirm => {
                "UPDATE stripe_payments SET confirm_try = $2 WHERE key = $1 AND confirm_try < $2"
            }
            IntentStage::Refund => {
                "UPDATE stripe_payments SET refund_try = $2 WHERE key = $1 AND refund_try < $2"
            }
        };
        let update = Statement::new("note another try", update)
            .bind(key.as_str())
            .bind(used + 1);
        let done = self.database.execute(update).await;
        // Not fatal: the next try gets the same response from Stripe, and records it again.
        if let Err(error) = done {
            call_error(&error);
        }
    }

    /// The key of an intent.
    pub(super) async fn key_of(&self, intent: &str) -> Result<Option<String>, DatabaseError> {
        let find = Statement::new("look up an intent", KEY_OF).bind(intent);
        let found: Option<(String,)> = self.database.fetch_optional(find).await?;
        Ok(found.map(|(key,)| key))
    }

    /// Whether an event was received before.
    pub(super) async fn has_seen(&self, event: &str) -> Result<bool, DatabaseError> {
        let find = Statement::new("look up an event", SEEN).bind(event);
        let found: Option<(i32,)> = self.database.fetch_optional(find).await?;
        Ok(found.is_some())
    }

    /// Stores an event, and deletes some old ones.
    pub(super) async fn see(&self, event: &str) -> Result<(), DatabaseError> {
        let now = self.clock.now().timestamp_micros();
        let insert = Statement::new("remember an event", SEE)
            .bind(event)
            .bind(now);
        self.database.execute(insert).await?;
        let age = i64::try_from(EVENT_RETENTION.as_micros()).unwrap_or(i64::MAX);
        let delete = Statement::new("forget old events", FORGET)
            .bind(now - age)
            .bind(MAX_DELETED_AT_ONCE);
        self.database.execute(delete).await?;
        Ok(())
    }

    async fn upsert(
        &self,
        statement: &'static str,
        key: &OperationKey,
        charge: &Charge,
    ) -> Result<Entry, CallError> {
        let now = self.clock.now().timestamp_micros();
        let upsert = Statement::new("note a payment", statement)
            .bind(key.as_str())
            .bind(charge.order_id.as_str())
            .bind(charge.amount.cents())
            .bind(now);
        let columns: Option<Columns> = self
            .database
            .write_optional(upsert)
            .await
            .map_err(|error| call_error(&error))?;
        let lost = || CallError::transient("the ledger of payments returned no row");
        columns.map(entry).ok_or_else(lost)
    }
}

fn entry(columns: Columns) -> Entry {
    let (order_id, amount_cents, intent_id, create_try, confirm_try, refund_try, closed) = columns;
    Entry {
        order_id,
        amount_cents,
        intent_id,
        create_try,
        confirm_try,
        refund_try,
        closed,
    }
}

/// No statement of the ledger moves money, so the call had no effect. The cause is logged.
fn call_error(error: &DatabaseError) -> CallError {
    static FAILURES: FailureLog = FailureLog::new();
    if let Some(suppressed) = FAILURES.failed(Instant::now()) {
        tracing::warn!(
            { fields::ERROR } = error as &dyn std::error::Error,
            { fields::SUPPRESSED } = suppressed,
            "the ledger of Stripe payments is unavailable"
        );
    }
    CallError::transient("the ledger of payments is unavailable")
}
