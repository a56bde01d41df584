//! The failures that all sagas of a process share: one line for all of them, and another one only after a while.

use std::error::Error;

use event_sourcing::failure_log::FailureLog;
use tokio::time::Instant;

use crate::fields;

/// What is logged for the sagas of one engine.
#[derive(Debug, Default)]
pub(super) struct Failures {
    reads: FailureLog,
    commits: FailureLog,
    refused_commits: FailureLog,
    lost_partitions: FailureLog,
}

/// A saga, as a line of the log names it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Named<'a> {
    pub(super) saga_type: &'static str,
    pub(super) saga_id: &'a str,
}

impl Failures {
    /// A saga could not be read, and is tried again.
    pub(super) fn unread(&self, saga: Named<'_>, error: &(dyn Error + 'static)) {
        if let Some(suppressed) = self.reads.failed(Instant::now()) {
            tracing::warn!(
                { fields::SAGA_TYPE } = saga.saga_type,
                { fields::SAGA_ID } = saga.saga_id,
                { fields::ERROR } = error,
                { fields::SUPPRESSED } = suppressed,
                "sagas cannot be read; they are tried again"
            );
        }
    }

    /// A saga was read.
    pub(super) fn read(&self) {
        self.reads
            .log_recovery(Instant::now(), "sagas can be read again");
    }

    /// A saga's commit was not answered, and is sent again.
    pub(super) fn unanswered(&self, saga: Named<'_>, error: &(dyn Error + 'static)) {
        if let Some(suppressed) = self.commits.failed(Instant::now()) {
            tracing::warn!(
                { fields::SAGA_TYPE } = saga.saga_type,
                { fields::SAGA_ID } = saga.saga_id,
                { fields::ERROR } = error,
                { fields::SUPPRESSED } = suppressed,
                "commits of sagas are not answered; they are sent again"
            );
        }
    }

    /// A saga's commit was answered.
    pub(super) fn committed(&self) {
        self.commits
            .log_recovery(Instant::now(), "commits of sagas are answered again");
    }

    /// A saga's commit failed in a way that another try will not mend.
    pub(super) fn failed(&self, saga: Named<'_>, error: &(dyn Error + 'static)) {
        if let Some(suppressed) = self.refused_commits.failed(Instant::now()) {
            tracing::error!(
                { fields::SAGA_TYPE } = saga.saga_type,
                { fields::SAGA_ID } = saga.saga_id,
                { fields::ERROR } = error,
                { fields::SUPPRESSED } = suppressed,
                "a saga's commit failed"
            );
        }
    }

    /// `count` partitions belong to another process, the first of them this one.
    pub(super) fn lost_partitions(&self, first: u16, count: usize) {
        if let Some(suppressed) = self.lost_partitions.failed(Instant::now()) {
            tracing::warn!(
                { fields::SAGA_PARTITION } = first,
                { fields::SAGA_PARTITIONS } = count,
                { fields::SUPPRESSED } = suppressed,
                "leases of partitions of sagas were lost"
            );
        }
    }
}
