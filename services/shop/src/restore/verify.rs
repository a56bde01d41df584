//! Verifies a restored log, and compares its end with the manifest's.

use event_sourcing::verify::Report;
use event_store_any::{AnyEventStore, Settings as StoreSettings};
use platform::StartError;

use crate::backup::Log;
use crate::event_log::verify_log;
use crate::terminal::line;

const VERIFY: &str = "verify the restored log";

#[derive(Debug, thiserror::Error)]
enum VerifyError {
    #[error(
        "the log is {}, which ends at {} with the event {}; the backup has {}, which ends at {} with the event {}",
        found.id, found.position, event(found), expected.id, expected.position, event(expected)
    )]
    OtherLog { found: Log, expected: Log },
    #[error("it is damaged, which shop events verify describes in full: {}", first(.0))]
    Damaged(Report),
}

fn event(log: &Log) -> String {
    log.event_id
        .map_or_else(|| "none".to_owned(), |event| event.to_string())
}

/// The first finding.
fn first(report: &Report) -> String {
    let Some(finding) = report.findings.first() else {
        return String::new();
    };
    let position = finding.first.map(|position| format!(" at {position}"));
    format!(
        "{}{}: {}",
        finding.kind.name(),
        position.unwrap_or_default(),
        line(&finding.detail)
    )
}

/// Verifies the log that `url` names.
///
/// # Errors
/// It cannot be read, is damaged, or is another log.
pub async fn log(url: &str, expected: &Log) -> Result<(), StartError> {
    let opened = AnyEventStore::open_read_only(url, StoreSettings::default()).await;
    let opened = opened.map_err(|error| StartError::failed(VERIFY, error))?;
    let verified = verify(&opened, expected).await;
    opened.close().await;
    verified
}

async fn verify(opened: &AnyEventStore, expected: &Log) -> Result<(), StartError> {
    let identity = opened.store().identify(&[]).await;
    let identity = identity.map_err(|error| StartError::failed(VERIFY, error))?;
    let found = Log::from(identity.head);
    if found != *expected {
        let expected = expected.clone();
        let other = VerifyError::OtherLog { found, expected };
        return Err(StartError::failed(VERIFY, other));
    }
    let report = verify_log(opened, 1).await?;
    if report.is_whole() {
        return Ok(());
    }
    Err(StartError::failed(VERIFY, VerifyError::Damaged(report)))
}
