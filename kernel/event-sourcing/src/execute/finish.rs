//! The last phase of an attempt: sends the commit, checks a rejection, or replies to a repeat.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout_at;
use uuid::Uuid;

use super::command::{Context, ExecuteError, Executed};
use super::decision::{Decision, READ_REPLY, UntypedResult, missing_reply};
use super::executor::{AttemptResult, Executor, Retry, within};
use super::lane::{LaneGuard, PendingState};
use super::load::load;
use super::states::States;
use super::work::{AcquiredStream, UnitOfWorkState};
use crate::appender::{AppendError, CommitOutcome, Pending};
use crate::commit::{CommitError, Receipt, Rejected};
use crate::id::Position;
use crate::store::StoreError;
use crate::stream::StreamId;

/// How long after its deadline a caller waits for the confirmation that nothing was written. The appender drops expired
/// commits at the same deadline; without the grace period the outcome would be unknown whenever the store is
/// unreachable.
const LOOKUP_GRACE_PERIOD: Duration = Duration::from_millis(100);

impl Executor {
    /// Sends the commit, advances the pending states, releases the locks, and waits for the result.
    pub(super) async fn commit(
        &self,
        decision: &mut dyn Decision,
        context: &Context,
        mut work: UnitOfWorkState,
        guards: Vec<LaneGuard>,
    ) -> AttemptResult {
        let (commit, last_events) = work.commit(context.fence.clone()).map_err(too_large)?;
        // Reserving may wait; it happens while the locks are held so that commits enter the queue in lane order.
        let slot = self
            .appender
            .reserve(context.deadline)
            .await
            .map_err(append_failed)?;
        // No await between sending and the end of the loop: a caller that is cancelled cannot leave a commit queued
        // with its pending states not advanced. The next command would then decide on a stale state.
        let mut pending = slot.send(commit, context.deadline);
        let mut written = Vec::with_capacity(last_events.len());
        let mut last_written = Vec::with_capacity(last_events.len());
        for (stream, event_id) in last_events {
            let Some(acquired) = work.acquired.get(&stream) else {
                continue;
            };
            if let Some(cell) = &acquired.cell {
                cell.set_pending_state(advanced_state(acquired, event_id, pending.clone()));
            }
            written.push(stream);
            last_written.push(event_id);
        }
        drop(guards);
        match pending.wait(context.deadline + LOOKUP_GRACE_PERIOD).await {
            Ok(receipt) if !receipt.duplicate => {
                self.take_snapshots(&work, written.iter().zip(last_written));
                if !decision.reply(&work.into_states()) {
                    return Err(reply_unavailable(&receipt, missing_reply()));
                }
                Ok(Ok(Executed {
                    reply: (),
                    position: receipt.last,
                    duplicate: false,
                    unchanged: false,
                }))
            }
            Ok(receipt) => {
                // The pending states contain the events of this attempt, but an earlier call's events are the stored
                // ones.
                invalidate(&work, &written);
                self.repeat(decision, context, receipt).await.map(Ok)
            }
            Err(AppendError::Rejected(Rejected::WrongExpectedVersion { stream, .. })) => {
                // The conflicting stream may be one that was only read and so is not in `written`.
                invalidate(&work, &written);
                invalidate(&work, &[stream]);
                Ok(Err(Retry::VersionConflict))
            }
            Err(error) => {
                // The outcome may be unknown: only a read from the store shows which events are there.
                invalidate(&work, &written);
                Err(append_failed(error))
            }
        }
    }

    /// Checks a rejection, or a decision without events, against the store.
    pub(super) async fn check(
        &self,
        decision: &mut dyn Decision,
        context: &Context,
        work: UnitOfWorkState,
        is_rejected: bool,
    ) -> AttemptResult {
        let streams: Vec<StreamId> = work
            .used_streams()
            .map(|(stream, _)| stream.clone())
            .collect();
        // First wait for the commits that the decision depended on: if one was not written as assumed, the decision is
        // void.
        let mut settled = true;
        for (stream, acquired) in work.used_streams() {
            let Some(mut pending) = acquired.base.pending.clone() else {
                continue;
            };
            match pending.wait(context.deadline).await {
                Ok(receipt) if !receipt.duplicate => {}
                Ok(_) | Err(_) => {
                    settled = false;
                    invalidate(&work, std::slice::from_ref(stream));
                }
            }
        }
        if !settled {
            return Ok(Err(Retry::VersionConflict));
        }
        // A commit of the same command may still be in flight, sent by a caller that timed out. It would make the
        // rejection wrong a moment later, so wait for it before asking the store for a receipt.
        if let Some(mut first) = self.appender.pending(context.command_id) {
            let settled = first.wait(context.deadline).await;
            if let Err(AppendError::Unavailable(CommitOutcome::Unknown)) = settled {
                return Err(ExecuteError::Unavailable(CommitOutcome::Unknown));
            }
        }
        let status = self.store.command_status(context.command_id, &streams);
        let status = within(context.deadline, status).await??;
        if let Some(receipt) = status.receipt {
            return self.repeat(decision, context, receipt).await.map(Ok);
        }
        // Receipt and versions were read as of one moment: equal versions prove that the decision holds at that moment.
        let mut is_stale = false;
        for (stream, version) in streams.iter().zip(&status.versions) {
            if work
                .acquired
                .get(stream)
                .is_some_and(|acquired| acquired.base.version != *version)
            {
                is_stale = true;
                invalidate(&work, std::slice::from_ref(stream));
            }
        }
        if is_stale {
            Ok(Err(Retry::VersionConflict))
        } else if is_rejected {
            Err(rejected_at(status.head))
        } else if decision.reply(&work.into_states()) {
            Ok(Ok(Executed {
                reply: (),
                position: status.head,
                duplicate: false,
                unchanged: true,
            }))
        } else {
            Err(ExecuteError::Reused)
        }
    }

    /// Replies to a command that took effect before, from the states at the versions in its receipt.
    async fn repeat(
        &self,
        decision: &mut dyn Decision,
        context: &Context,
        receipt: Receipt,
    ) -> UntypedResult {
        let is_of_operation = receipt.operation.as_deref() == Some(decision.name());
        let first = receipt.versions.first().map(|(stream, _)| stream);
        if !is_of_operation || !decision.can_start_in(first) {
            return Err(ExecuteError::Reused);
        }
        let repeated = Executed {
            reply: (),
            position: receipt.last,
            duplicate: true,
            unchanged: false,
        };
        let mut states = States::new(HashMap::new());
        loop {
            let is_replied = decision.reply(&states);
            let missing = states.take_missing();
            if is_replied && missing.is_empty() {
                return Ok(repeated);
            }
            let mut found = false;
            for lane in missing {
                let Some(version) = receipt.version_of(&lane.stream) else {
                    continue;
                };
                let loaded = load(&*self.store, lane.kind, &lane.stream, Some(version));
                let loaded = timeout_at(context.deadline + LOOKUP_GRACE_PERIOD, loaded)
                    .await
                    .unwrap_or_else(|_| Err(deadline_exceeded()))
                    .map_err(|error| reply_unavailable(&receipt, error))?;
                states.insert(lane.stream, loaded.state, loaded.version);
                found = true;
            }
            // The receipt names none of the missing streams: the command did not write them, and no further load can
            // help.
            if !found {
                let is_replied = decision.reply(&states);
                return is_replied.then_some(repeated).ok_or(ExecuteError::Reused);
            }
        }
    }

    /// `written` are the written streams with their last events. Call it only after the commit is durable.
    fn take_snapshots<'a>(
        &self,
        work: &UnitOfWorkState,
        written: impl Iterator<Item = (&'a StreamId, Uuid)>,
    ) {
        for (stream, last_event) in written {
            let Some(acquired) = work.acquired.get(stream) else {
                continue;
            };
            let (before, after) = (acquired.base.version.0, acquired.version.0);
            if before / self.snapshot_every < after / self.snapshot_every {
                let (kind, state) = (acquired.kind, &acquired.state);
                self.snapshots
                    .take(kind, stream, state, acquired.version, last_event);
            }
        }
    }
}

/// Invalidates the pending states that the decision read or advanced.
fn invalidate(work: &UnitOfWorkState, streams: &[StreamId]) {
    for stream in streams {
        if let Some(acquired) = work.acquired.get(stream)
            && let Some(cell) = &acquired.cell
        {
            cell.invalidate(acquired.base.epoch);
        }
    }
}

fn advanced_state(acquired: &AcquiredStream, last_event: Uuid, pending: Pending) -> PendingState {
    PendingState {
        state: Arc::clone(&acquired.state),
        version: acquired.version,
        last_event: Some(last_event),
        pending: Some(pending),
        epoch: acquired.base.epoch,
    }
}

const fn rejected_at(position: Position) -> ExecuteError<()> {
    ExecuteError::Rejected {
        rejection: (),
        position,
    }
}

fn append_failed(error: AppendError) -> ExecuteError<()> {
    match error {
        AppendError::Rejected(_) => ExecuteError::Fenced,
        AppendError::Unavailable(outcome) => ExecuteError::Unavailable(outcome),
        AppendError::Failed(error) => ExecuteError::Failed(error),
    }
}

/// The command took effect, but its reply cannot be read now.
fn reply_unavailable(receipt: &Receipt, error: StoreError) -> ExecuteError<()> {
    ExecuteError::ReplyUnavailable {
        position: receipt.last,
        error,
    }
}

fn deadline_exceeded() -> StoreError {
    StoreError::Unavailable {
        operation: READ_REPLY,
        source: Arc::from(Box::from("the deadline passed")),
    }
}

fn too_large(error: CommitError) -> ExecuteError<()> {
    ExecuteError::Failed(StoreError::Failed {
        operation: "decide",
        source: Arc::new(error),
    })
}
