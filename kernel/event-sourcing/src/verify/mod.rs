//! Verifies a whole log and its snapshots, also while it grows.
//!
//! [`verify`] reads the log from its start to the head that it has then, in pages, through the same interface as every
//! reader. It cannot see that the *last* events of a log are missing: only checkpoints of other databases can show that.

mod commits;
mod event_types;
mod report;
mod snapshots;
#[cfg(test)]
mod tests;
mod verifier;

pub use event_types::EventTypes;
pub use report::{Finding, FindingKind, Report};
pub use verifier::LogVerifier;

use crate::envelope::Envelope;
use crate::error::{StoreError, with_causes};
use crate::id::Position;
use crate::maintenance::LogMaintenance;
use crate::store::{EventStore, Filter, LogPage};

/// The number of events that are read at a time.
const PAGE_EVENTS: usize = 1_000;
/// So many adjacent positions that cannot be returned are not damaged rows, but a database that cannot be read.
const MAX_UNREADABLE_POSITIONS: u64 = 10_000;

/// Checks of a program on its own events, such as references between streams.
pub trait LogChecks: Send {
    /// Gets each readable event, in order.
    fn observe(&mut self, event: &Envelope, report: &mut Report);

    /// Called after the last event.
    fn finish(&mut self, report: &mut Report);
}

/// No checks.
impl LogChecks for () {
    fn observe(&mut self, _event: &Envelope, _report: &mut Report) {}

    fn finish(&mut self, _report: &mut Report) {}
}

/// The parts of a verification.
pub struct Verification<'a> {
    /// The log.
    pub log: &'a dyn EventStore,
    /// Its database, with its snapshots.
    pub database: &'a dyn LogMaintenance,
    /// The events that must be decodable.
    pub types: &'a EventTypes,
    /// The program's own checks.
    pub checks: &'a mut dyn LogChecks,
    /// Called after each page with the verified position and the last one to verify.
    pub progress: &'a (dyn Fn(Position, Position) + Sync),
    /// The maximum number of findings of each kind that the report lists; the others are only counted.
    pub max_samples: u64,
}

impl std::fmt::Debug for Verification<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verification")
            .field("log", &self.log)
            .finish_non_exhaustive()
    }
}

/// Verifies the log up to its current head, its snapshots, and its database.
///
/// # Errors
/// [`StoreError`] if the database cannot be read. Damaged rows are no error but findings of the report.
pub async fn verify(parts: Verification<'_>) -> Result<Report, StoreError> {
    let Verification {
        log,
        database,
        types,
        checks,
        progress,
        max_samples,
    } = parts;
    let identity = log.identify(&[]).await?.head;
    let mut report = Report::new(identity.log, max_samples);
    for problem in database.storage_problems().await? {
        report.add(Finding {
            first: problem.position,
            ..Finding::new(FindingKind::Storage, problem.detail)
        });
    }
    let head = identity.position;
    let mut verifier = LogVerifier::new(types, report);
    let mut after = Position::START;
    while after < head {
        after = match readable_page(log, after).await? {
            Page::Read(page) => {
                let entries = page.entries.iter();
                for entry in entries.filter(|entry| entry.position() <= head) {
                    verifier.observe(entry);
                    if let Some(event) = entry.event() {
                        checks.observe(event, verifier.report());
                    }
                }
                page.read_up_to.max(after.next())
            }
            Page::Unreadable { last, reason } => {
                verifier.pass_over(after.next(), last, &reason);
                last
            }
        };
        progress(after.min(head), head);
    }
    checks.finish(verifier.report());
    snapshots::verify(log, database, &mut verifier).await?;
    Ok(verifier.finish(head))
}

enum Page {
    Read(LogPage),
    /// The store cannot return the positions up to `last`.
    Unreadable {
        last: Position,
        reason: String,
    },
}

/// The next page. If the store cannot return it, the page is made smaller until the rows that cause it are known.
async fn readable_page(log: &dyn EventStore, after: Position) -> Result<Page, StoreError> {
    let mut limit = PAGE_EVENTS;
    let mut last = after;
    let mut reason = String::new();
    loop {
        match log.read_all(last, &Filter::ALL, limit).await {
            Ok(page) if last == after => return Ok(Page::Read(page)),
            Ok(_) => return Ok(Page::Unreadable { last, reason }),
            Err(error) if error.is_retryable() => return Err(error),
            Err(_) if limit > 1 => limit = limit.div_ceil(8),
            Err(error) if last.0 - after.0 >= MAX_UNREADABLE_POSITIONS => return Err(error),
            Err(error) => {
                last = last.next();
                reason = with_causes(&error);
            }
        }
    }
}
