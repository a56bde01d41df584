//! Verifies a restored log, and compares its end with the manifest's.

use event_store_any::{AnyEventStore, Settings as StoreSettings};
use platform::StartError;

use crate::backup::Log;
use crate::event_log::{DamagedLog, verify_log};

const VERIFY: &str = "verify the restored log";

#[derive(Debug, thiserror::Error)]
enum VerifyError {
    #[error(
        "the log is {}, which ends at {} with the event {}; the backup has {}, which ends at {} with the event {}",
        found.id, found.position, event(found), expected.id, expected.position, event(expected)
    )]
    OtherLog { found: Log, expected: Log },
}

fn event(log: &Log) -> String {
    log.event_id
        .map_or_else(|| "none".to_owned(), |event| event.to_string())
}

/// Verifies the log that `url` names.
///
/// # Errors
/// It cannot be read, is another log, or is damaged, unless that is accepted.
pub async fn log(url: &str, expected: &Log, accepts_damage: bool) -> Result<(), StartError> {
    let settings = StoreSettings {
        migrate: false,
        ..StoreSettings::default()
    };
    let opened = AnyEventStore::open_read_only(url, settings).await;
    let opened = opened.map_err(|error| StartError::failed(VERIFY, error))?;
    let verified = verify(&opened, expected, accepts_damage).await;
    opened.close().await;
    verified
}

async fn verify(
    opened: &AnyEventStore,
    expected: &Log,
    accepts_damage: bool,
) -> Result<(), StartError> {
    let identity = opened.store().identify(&[]).await;
    let identity = identity.map_err(|error| StartError::failed(VERIFY, error))?;
    let found = Log::from(identity.head);
    if found != *expected {
        let expected = expected.clone();
        let other = VerifyError::OtherLog { found, expected };
        return Err(StartError::failed(VERIFY, other));
    }
    if accepts_damage {
        return Ok(());
    }
    let report = verify_log(opened, 1).await?;
    if report.is_whole() {
        return Ok(());
    }
    Err(StartError::failed(VERIFY, DamagedLog(report)))
}
