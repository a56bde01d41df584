//! Verifies a whole log with all checks of the shop.

use event_sourcing::Position;
use event_sourcing::verify::{Report, Verification, verify};
use event_store_any::AnyEventStore;
use platform::StartError;

use super::checks::ReferenceChecks;
use super::error::unreadable;
use super::types::event_types;
use crate::terminal::{bar, line};

/// A log with findings, as a reason to reject it.
#[derive(Debug, thiserror::Error)]
#[error("it is damaged, which shop events verify describes in full: {}", first(.0))]
pub struct DamagedLog(pub Report);

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

/// Verifies the whole log, and shows the progress.
///
/// # Errors
/// The store cannot be read. Damage is no error, but in the report.
pub async fn verify_log(opened: &AnyEventStore, max_samples: u64) -> Result<Report, StartError> {
    let (log, database) = (opened.store(), opened.maintenance());
    let bar = bar("events verified", 0);
    let progress = |position: Position, head: Position| {
        bar.set_length(head.0);
        bar.set_position(position.0);
    };
    let types = event_types();
    let mut checks = ReferenceChecks::default();
    let report = verify(Verification {
        log: log.as_ref(),
        database: database.as_ref(),
        types: &types,
        checks: &mut checks,
        progress: &progress,
        max_samples,
    });
    let report = report.await.map_err(unreadable);
    bar.finish_and_clear();
    report
}
