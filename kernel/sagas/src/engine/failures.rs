//! Failures that hit all sagas of a process together, such as an unreachable store: one log line for all of them, and the
//! next one only after a pause.

use std::error::Error;

use event_sourcing::failure_log::FailureLog;
use tokio::time::Instant;

use crate::fields;

/// The suppressed log lines of one engine, by kind of failure.
#[derive(Debug, Default)]
pub(super) struct Failures {
    reads: FailureLog,
    commits: FailureLog,
    failed_commits: FailureLog,
    lost_partitions: FailureLog,
}

/// The fields that identify a saga in a log line.
#[derive(Clone, Copy, Debug)]
pub(super) struct SagaFields<'a> {
    pub(super) saga_type: &'static str,
    pub(super) saga_id: &'a str,
}

impl Failures {
    /// A saga could not be read; it is retried.
    pub(super) fn read_failed(&self, saga: SagaFields<'_>, error: &(dyn Error + 'static)) {
        if let Some(suppressed) = self.reads.failed(Instant::now()) {
            tracing::warn!(
                { fields::SAGA_TYPE } = saga.saga_type,
                { fields::SAGA_ID } = saga.saga_id,
                { fields::ERROR } = error,
                { fields::SUPPRESSED } = suppressed,
                "sagas cannot be read; retrying"
            );
        }
    }

    /// A saga was read.
    pub(super) fn read(&self) {
        self.reads
            .log_recovery(Instant::now(), "sagas can be read again");
    }

    /// The outcome of a saga's commit is unknown; it is sent again.
    pub(super) fn unanswered(&self, saga: SagaFields<'_>, error: &(dyn Error + 'static)) {
        if let Some(suppressed) = self.commits.failed(Instant::now()) {
            tracing::warn!(
                { fields::SAGA_TYPE } = saga.saga_type,
                { fields::SAGA_ID } = saga.saga_id,
                { fields::ERROR } = error,
                { fields::SUPPRESSED } = suppressed,
                "commits of sagas are not answered; retrying"
            );
        }
    }

    /// A saga's commit was answered.
    pub(super) fn committed(&self) {
        self.commits
            .log_recovery(Instant::now(), "commits of sagas are answered again");
    }

    /// A saga's commit failed in a way that a retry will not fix.
    pub(super) fn failed(&self, saga: SagaFields<'_>, error: &(dyn Error + 'static)) {
        if let Some(suppressed) = self.failed_commits.failed(Instant::now()) {
            tracing::error!(
                { fields::SAGA_TYPE } = saga.saga_type,
                { fields::SAGA_ID } = saga.saga_id,
                { fields::ERROR } = error,
                { fields::SUPPRESSED } = suppressed,
                "a saga's commit failed"
            );
        }
    }

    /// `count` partitions, `first` among them, now belong to another process.
    pub(super) fn lost_partitions(&self, first: u16, count: usize) {
        if let Some(suppressed) = self.lost_partitions.failed(Instant::now()) {
            tracing::warn!(
                { fields::SAGA_PARTITION } = first,
                { fields::SAGA_PARTITIONS } = count,
                { fields::SUPPRESSED } = suppressed,
                "lost leases of saga partitions"
            );
        }
    }
}
