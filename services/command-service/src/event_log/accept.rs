//! The check at startup, and what happens when an operator accepts a replaced log.

use command_database::CommandDatabase;
use event_sourcing::handler::HandlerStore;
use event_sourcing::{EventStore, ForeignLog, LogMark, Position, StoreError};
use idempotency_sql::{KeyClock, marks};
use platform::config::names;
use platform::{StartError, fields};

const CHECK: &str = "check the event store's log";

/// Stored data that belongs to another log.
#[derive(Debug, thiserror::Error)]
#[error(
    "{what} another log ({foreign}): the event store was restored from an older copy, or is another one. Commands \
     that were acknowledged after that copy are lost, but their payments, shipments and notifications are not undone. \
     To accept it, start once with {setting}={accepts}: customers are notified about events from now on, and stored \
     answers of lost commands are removed",
    setting = names::ACCEPT_LOG.spec.name
)]
struct ForeignData {
    what: String,
    foreign: ForeignLog,
    accepts: String,
}

/// Fails if the command database refers to another log than the event store's, or is ahead of it, unless `accepted`
/// names the log and its head exactly as the error text does. Then the foreign data is removed. Returns the log's head.
///
/// # Errors
/// The databases do not fit each other, or one cannot be read.
pub async fn check(
    database: &CommandDatabase,
    store: &dyn EventStore,
    clock: &KeyClock,
    accepted: Option<&str>,
) -> Result<LogMark, StartError> {
    let unchecked = |error: StoreError| StartError::failed(CHECK, error);
    let (head, rejected) = compare(database, store, clock).await.map_err(unchecked)?;
    match rejected {
        None => Ok(head),
        Some(rejected) if accepted == Some(rejected.accepts.as_str()) => {
            accept(database, store, head).await.map_err(unchecked)?;
            Ok(head)
        }
        Some(rejected) => Err(StartError::failed(CHECK, rejected)),
    }
}

/// The log's head, and the first stored mark that the log does not contain.
async fn compare(
    database: &CommandDatabase,
    store: &dyn EventStore,
    clock: &KeyClock,
) -> Result<(LogMark, Option<ForeignData>), StoreError> {
    let handlers = database.event_handlers().marks().await?;
    let handlers = handlers.into_iter().map(|(handler, mark)| {
        let what = format!("the progress of the event handler {handler} belongs to");
        (what, mark)
    });
    let log = store.identify(&[]).await?.head.log;
    let answered = marks::newest(database.requests(), clock, log).await?;
    let answered = answered.map(|mark| {
        (
            "the stored answer of an Idempotency-Key belongs to".to_owned(),
            mark,
        )
    });
    let kept: Vec<_> = handlers.chain(answered).collect();
    // All marks are compared in one read, so that the head and the marks are of the same log.
    let positions: Vec<Position> = kept.iter().map(|(_, mark)| mark.position).collect();
    let identity = store.identify(&positions).await?;
    let head = identity.head;
    let rejected = kept.into_iter().find_map(|(what, mark)| {
        Some(ForeignData {
            what,
            foreign: identity.verify(&mark).err()?,
            accepts: format!("{}@{}", head.log, head.position),
        })
    });
    Ok((head, rejected))
}

async fn accept(
    database: &CommandDatabase,
    store: &dyn EventStore,
    head: LogMark,
) -> Result<(), StoreError> {
    // Not atomic, but each step is idempotent: after a crash in between, the marks that are still foreign fail the next
    // start, and the operator's acceptance is repeated.
    let reopened = marks::reopen_foreign(database.requests(), store, head).await?;
    database.event_handlers().accept(head).await?;
    tracing::warn!(
        { fields::POSITION } = head.position.0,
        { fields::REQUESTS_REOPENED } = reopened,
        "an operator accepted the event store as it is"
    );
    Ok(())
}
