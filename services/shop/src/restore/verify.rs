//! Reads a restored log from its beginning to its end.

use event_sourcing::store::Entry;
use event_sourcing::{EventStore, Filter, LogMark, Position};
use event_store_any::{AnyEventStore, Settings as StoreSettings};
use platform::StartError;

use crate::backup::Log;
use crate::terminal::bar;

const PAGE_EVENTS: usize = 1_000;
const VERIFY: &str = "verify the restored log";

#[derive(Debug, thiserror::Error)]
enum VerifyError {
    #[error(
        "the log is {}, which ends at {} with the event {}; the backup has {}, which ends at {} with the event {}",
        found.id, found.position, event(found), expected.id, expected.position, event(expected)
    )]
    OtherLog { found: Log, expected: Log },
    #[error("event {0} is missing")]
    Gap(u64),
    #[error("{0}")]
    Unreadable(String),
}

fn event(log: &Log) -> String {
    log.event_id
        .map_or_else(|| "none".to_owned(), |event| event.to_string())
}

/// Reads the log that `url` names, and compares its end with the manifest's.
///
/// # Errors
/// It cannot be read, has a gap or an unreadable event, or is another log.
pub async fn log(url: &str, expected: &Log) -> Result<(), StartError> {
    let opened = AnyEventStore::open_read_only(url, StoreSettings::default()).await;
    let opened = opened.map_err(|error| StartError::failed(VERIFY, error))?;
    let verified = read(&*opened.store(), expected).await;
    opened.close().await;
    verified
}

async fn read(store: &dyn EventStore, expected: &Log) -> Result<(), StartError> {
    let unread = |error| StartError::failed(VERIFY, error);
    let wrong = |error: VerifyError| StartError::failed(VERIFY, error);
    let head: LogMark = store.identify(&[]).await.map_err(unread)?.head;
    let found = Log::from(head);
    if found != *expected {
        let expected = expected.clone();
        return Err(wrong(VerifyError::OtherLog { found, expected }));
    }
    let bar = bar("events verified", expected.position);
    let mut after = Position::START;
    while after < head.position {
        let page = store.read_all(after, &Filter::ALL, PAGE_EVENTS).await;
        let page = page.map_err(unread)?;
        for entry in page.entries {
            let next = after.0 + 1;
            match entry {
                Entry::Event(event) if event.position.0 == next => after = event.position,
                Entry::Event(_) => return Err(wrong(VerifyError::Gap(next))),
                Entry::Unreadable(event) => {
                    return Err(wrong(VerifyError::Unreadable(event.to_string())));
                }
            }
        }
        if page.read_up_to > after {
            return Err(wrong(VerifyError::Gap(after.0 + 1)));
        }
        bar.set_position(after.0);
    }
    bar.finish_and_clear();
    Ok(())
}
