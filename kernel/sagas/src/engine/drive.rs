//! Drives one saga, from result to result, until it must wait.
//!
//! ```text
//!   ┌─► commit results, what follows from them, and intents ──► make the calls of these intents ─┐
//!   └───────────────────────── wait for the result of one of them ◄─────────────────────────────┘
//!       until nothing can be done now, the partition is lost, or the engine stops
//! ```

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use event_sourcing::clock::after;
use event_sourcing::execute::{Context, ExecuteError};
use event_sourcing::id::CommandId;
use event_sourcing::trace;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::{self, JoinSet};
use tokio::time::Instant;
use tracing::Instrument;

use super::call::ProviderCall;
use super::connect::Connections;
use super::failures::SagaFields;
use super::lanes::lanes;
use super::schedule::NextWake;
use super::shared::{Driver, Shared};
use crate::advance::{Advance, Corrupt, RecordedIntents, StepResult};
use crate::definition::Saga;
use crate::fields;
use crate::next::{NextMove, Plan, next};
use crate::saga_type::SagaType;
use crate::span::saga_span;
use crate::state::{Phase, SagaOutcome, SagaState};
use crate::unsupported::UnsupportedDefinition;

/// Drives sagas of kind `S`.
pub(super) struct Typed<S: Saga> {
    pub(super) connections: Connections<S>,
}

#[async_trait]
impl<S: Saga> Driver for Typed<S> {
    fn name(&self) -> &'static str {
        S::NAME
    }

    fn saga_type(&self) -> SagaType {
        SagaType::of::<S>()
    }

    fn stream_type(&self) -> &'static str {
        S::STREAM
    }

    async fn drive(&self, shared: &Arc<Shared>, saga_id: &Arc<str>, partition: u16) -> NextWake {
        let mut drive = Drive {
            shared,
            connections: &self.connections,
            saga_id,
            partition,
            calls: JoinSet::new(),
            in_flight: Vec::new(),
            permits: Vec::new(),
        };
        match drive.run().await {
            Ok(rest) | Err(rest) => rest,
        }
    }
}

struct Drive<'a, S: Saga> {
    shared: &'a Arc<Shared>,
    connections: &'a Connections<S>,
    saga_id: &'a Arc<str>,
    partition: u16,
    calls: JoinSet<StepResult>,
    in_flight: Vec<(task::Id, Arc<ProviderCall<S>>)>,
    /// Permits for further calls, acquired before their intents are committed: a recorded intent that has to wait for a
    /// permit could run into its deadline.
    permits: Vec<OwnedSemaphorePermit>,
}

impl<S: Saga> Drive<'_, S> {
    async fn run(&mut self) -> Result<NextWake, NextWake> {
        let mut state = self.load().await?;
        let mut results = Vec::new();
        // The cached state may be stale, because other processes write to sagas as well. A commit detects that by its
        // expected version; before a drive ends without one, it must load the latest state.
        let mut is_current = false;
        loop {
            let now = self.shared.clock.now();
            let plan = state
                .run()
                .filter(|_| state.corruption().is_none())
                .map_or_else(Plan::default, |run| next(run, now));
            if self.has_work(&plan, !results.is_empty()).await {
                let before = Arc::clone(&state);
                let intents = RecordedIntents::default();
                let committed = std::mem::take(&mut results);
                state = self.commit(&before, &plan, committed, &intents).await?;
                is_current = true;
                report(self.shared, &before, &state);
                let intents = std::mem::take(&mut *intents.lock());
                results = self.make_calls(&state, &intents).await?;
            } else if !self.in_flight.is_empty() {
                // Other sagas need the permits while this one waits.
                self.permits.clear();
                results.extend(self.next_result(plan.wake_at).await);
            } else if is_current || self.shared.stop.is_cancelled() || is_over(&state) {
                // The saga may wait for days, or has ended: free the memory.
                let executor = &self.shared.executor;
                executor.evict::<SagaState<S>>(self.saga_id);
                return Ok(self.next_wake(&state, &plan));
            } else {
                state = self.load_latest().await?;
                is_current = true;
            }
        }
    }

    fn next_wake(&self, state: &SagaState<S>, plan: &Plan) -> NextWake {
        if let Some(damage) = state.corruption() {
            self.corrupt(damage);
            return NextWake::OnSignal;
        }
        if let Some(unsupported) = state.unsupported() {
            self.unsupported(&unsupported);
            return NextWake::OnSignal;
        }
        if is_over(state) {
            return NextWake::Ended;
        }
        plan.wake_at.map_or(NextWake::OnSignal, NextWake::Until)
    }

    /// The stream holds, or a decision would have appended, an illegal transition. Only an operator can repair it.
    fn corrupt(&self, damage: &str) {
        metrics::counter!("saga_corrupt_total", "saga" => S::NAME).increment(1);
        tracing::error!(
            { fields::SAGA_TYPE } = S::NAME,
            { fields::SAGA_ID } = &**self.saga_id,
            { fields::REASON } = damage,
            "a saga is corrupt: it needs an operator"
        );
    }

    /// A process with another binary must drive it. It is tried again when another process takes the partition over, or
    /// when this one wakes it.
    fn unsupported(&self, definition: &UnsupportedDefinition) {
        metrics::counter!("saga_corrupt_total", "saga" => S::NAME).increment(1);
        tracing::error!(
            { fields::SAGA_TYPE } = S::NAME,
            { fields::SAGA_ID } = &**self.saga_id,
            { fields::REASON } = %definition,
            "a saga cannot be driven: it needs a binary with its definition"
        );
    }

    async fn load(&self) -> Result<Arc<SagaState<S>>, NextWake> {
        let executor = &self.shared.executor;
        let loaded = executor.load::<SagaState<S>>(self.saga_id).await;
        match loaded {
            Ok((state, _)) => {
                self.shared.schedule.set_unreadable(self.saga_id, false);
                self.shared.failures.read();
                Ok(state)
            }
            Err(error) => Err(self.read_failed(&error, error.is_retryable())),
        }
    }

    /// Loads the saga's latest state from the store.
    async fn load_latest(&self) -> Result<Arc<SagaState<S>>, NextWake> {
        let present = self
            .shared
            .executor
            .load_latest::<SagaState<S>>(self.saga_id);
        match tokio::time::timeout(self.shared.config.commit_timeout, present).await {
            Ok(Ok((state, _))) => {
                self.shared.failures.read();
                Ok(state)
            }
            Ok(Err(error)) => Err(self.read_failed(&error, error.is_retryable())),
            Err(late) => Err(self.read_failed(&late, true)),
        }
    }

    fn named(&self) -> SagaFields<'_> {
        SagaFields {
            saga_type: S::NAME,
            saga_id: self.saga_id,
        }
    }

    fn read_failed(
        &self,
        error: &(dyn std::error::Error + 'static),
        is_retryable: bool,
    ) -> NextWake {
        let saga_id = &**self.saga_id;
        if is_retryable {
            self.shared.failures.read_failed(self.named(), error);
        } else if self.shared.schedule.set_unreadable(saga_id, true) {
            metrics::counter!("events_unreadable_total", "reader" => "saga").increment(1);
            tracing::error!(
                { fields::SAGA_TYPE } = S::NAME,
                { fields::SAGA_ID } = saga_id,
                { fields::ERROR } = error,
                "a saga cannot be read; retried with a long pause"
            );
        }
        self.later(is_retryable)
    }

    /// Retries after a pause; after a long one if a retry will most likely fail in the same way.
    fn later(&self, is_retryable: bool) -> NextWake {
        let times = if is_retryable { 1 } else { 60 };
        let pause = self.shared.config.retry.saturating_mul(times);
        NextWake::Until(after(self.shared.clock.now(), pause))
    }

    /// Whether a commit would advance the saga. Acquires permits for its calls, and waits for one if there is nothing
    /// else to do.
    async fn has_work(&mut self, plan: &Plan, has_results: bool) -> bool {
        let mut calls = 0;
        let mut has_moves = has_results;
        for planned in &plan.moves {
            match planned {
                NextMove::Call { step, .. } if self.is_live(*step) => {}
                NextMove::Call { .. } => calls += 1,
                NextMove::GiveUp { step } => has_moves |= !self.is_live(*step),
                NextMove::Decide { .. }
                | NextMove::Compensate { .. }
                | NextMove::Complete
                | NextMove::Compensated => has_moves = true,
            }
        }
        // A result or a move is probably followed by a call, whose intent can then share the commit.
        let wanted = calls.max(usize::from(has_moves));
        if self.shared.stop.is_cancelled() {
            // A draining engine still records results, and starts nothing.
            self.permits.clear();
            return has_results;
        }
        while self.permits.len() < wanted
            && let Ok(permit) = Arc::clone(&self.shared.calls).try_acquire_owned()
        {
            self.permits.push(permit);
        }
        if calls > 0 && !has_moves && self.permits.is_empty() && self.in_flight.is_empty() {
            let permit = Arc::clone(&self.shared.calls).acquire_owned();
            tokio::select! {
                () = self.shared.stop.cancelled() => {}
                Ok(permit) = permit => self.permits.push(permit),
            }
        }
        has_moves || (calls > 0 && !self.permits.is_empty())
    }

    fn is_live(&self, step: usize) -> bool {
        self.in_flight.iter().any(|(_, call)| call.step == step)
    }

    async fn commit(
        &self,
        state: &SagaState<S>,
        plan: &Plan,
        results: Vec<StepResult>,
        intents: &RecordedIntents,
    ) -> Result<Arc<SagaState<S>>, NextWake> {
        let shared = self.shared;
        let run = state.run().ok_or(NextWake::OnSignal)?;
        let advance = Advance {
            saga_id: Arc::clone(self.saga_id),
            lanes: lanes(run, plan, &results),
            results,
            in_flight: self.in_flight.iter().map(|(_, call)| call.step).collect(),
            slots: self.permits.len(),
            longest_pause: shared.config.max_backoff,
            intents: Arc::clone(intents),
            saga: PhantomData,
        };
        // One id for all attempts of this commit: if an attempt took effect and its answer was lost, the next one finds
        // the command id in the log and answers from it. Ids start with the time, as all command ids do.
        let version = state.version().0;
        let label = format!("{}/{version}/{}", self.saga_id, shared.config.owner);
        let command_id = CommandId::from_parts(shared.clock.now(), [0; 10]).child(&label);
        loop {
            // Read in each attempt: the lease may have been lost, or acquired again with another token.
            let fence = shared
                .ownership
                .fence(self.partition)
                .ok_or(NextWake::OnSignal)?;
            let token = fence.token;
            let context = Context {
                command_id,
                deadline: Instant::now() + shared.config.commit_timeout,
                metadata: run.origin.clone(),
                fence: Some(fence),
            };
            let executed = shared.executor.execute(&advance, &context);
            match executed.instrument(saga_span(run)).await {
                Ok(done) => {
                    shared.failures.committed();
                    return Ok(done.reply);
                }
                Err(ExecuteError::Fenced) => {
                    // Another process acquired the lease. If this one has acquired it again since, the commit is sent again
                    // under the newer token; its expected versions reject it if the saga has changed.
                    shared.failures.lost_partitions(self.partition, 1);
                    shared.ownership.remove(self.partition, token);
                    continue;
                }
                Err(error) => self.handle_failure(&error)?,
            }
            if shared.stop.is_cancelled() {
                return Err(NextWake::OnSignal);
            }
            tokio::time::sleep(shared.config.retry).await;
        }
    }

    /// Returns normally if a failed commit is to be sent again; else when the saga is to be driven again.
    fn handle_failure(&self, error: &ExecuteError<Corrupt>) -> Result<(), NextWake> {
        match error {
            ExecuteError::Unavailable(_) => {
                self.shared.failures.unanswered(self.named(), error);
                Ok(())
            }
            // It was committed. The next attempt finds it by its command id and answers from it.
            ExecuteError::ReplyUnavailable { error: cause, .. } if cause.is_retryable() => {
                self.shared.failures.unanswered(self.named(), error);
                Ok(())
            }
            ExecuteError::Rejected {
                rejection: Corrupt(damage),
                ..
            } => {
                self.corrupt(damage);
                Err(NextWake::OnSignal)
            }
            ExecuteError::Failed(_)
            | ExecuteError::ReplyUnavailable { .. }
            | ExecuteError::Reused
            | ExecuteError::Fenced => {
                self.shared.failures.failed(self.named(), error);
                Err(self.later(false))
            }
        }
    }

    /// Makes the calls whose intents the last commit recorded. Returns the results of those that must no longer be made.
    /// Intents of another process are left alone: their calls may have been made, so `next` plans a new attempt, which
    /// asks the provider first.
    async fn make_calls(
        &mut self,
        state: &SagaState<S>,
        intents: &[(usize, u32)],
    ) -> Result<Vec<StepResult>, NextWake> {
        let mut not_sent = Vec::new();
        let Some(run) = state.run() else {
            return Ok(not_sent);
        };
        for index in run.open_intents() {
            let Some((_, step)) = run.step(index) else {
                continue;
            };
            if self.is_live(index) || !intents.contains(&(index, step.attempts)) {
                continue;
            }
            // Without a recently renewed lease no call may start: a successor could look it up while it is in flight.
            let third = self.shared.config.lease / 3;
            let is_valid = tokio::select! {
                biased;
                is_valid = self.shared.ownership.wait_until_valid_for(self.partition, third) => is_valid,
                // Leaving out a call is safe: the next owner asks the provider first.
                () = self.shared.stop.cancelled() => false,
            };
            if !is_valid {
                return Err(NextWake::OnSignal);
            }
            let now = self.shared.clock.now();
            let left = step.deadline.map(|deadline| until(now, deadline));
            let planned = self
                .connections
                .provider(run.definition, index)
                .and_then(|provider| ProviderCall::plan(run, index, provider, left));
            let Some(call) = planned.map(Arc::new) else {
                continue;
            };
            // Checked as late as possible, after the wait for the lease, so that a cancelled saga makes few calls that
            // it must compensate.
            if !call.must_be_made() && self.is_cancelled().await? {
                not_sent.push(call.not_sent());
                continue;
            }
            let permit = self.permits.pop();
            let made = Arc::clone(&call);
            let span = trace::continued(&run.origin.trace, || call.span());
            let making = async move {
                let result = made.make().await;
                drop(permit);
                result
            };
            let task = self.calls.spawn(making.instrument(span));
            self.in_flight.push((task.id(), call));
        }
        Ok(not_sent)
    }

    /// Whether a cancellation was accepted since the state was last read.
    async fn is_cancelled(&self) -> Result<bool, NextWake> {
        if !self.shared.schedule.is_woken(self.saga_id) {
            return Ok(false);
        }
        let state = self.load_latest().await?;
        Ok(state
            .run()
            .is_some_and(|run| run.cancel.is_some() && !run.is_decided()))
    }

    /// Waits for the result of a call, or until `wake_at`.
    async fn next_result(&mut self, wake_at: Option<DateTime<Utc>>) -> Option<StepResult> {
        let pause = wake_at.map_or(Duration::from_hours(1), |at| {
            until(self.shared.clock.now(), at).max(Duration::from_millis(1))
        });
        let joined = tokio::select! {
            joined = self.calls.join_next_with_id() => joined?,
            () = tokio::time::sleep(pause) => return None,
        };
        let id = match &joined {
            Ok((id, _)) => *id,
            Err(error) => error.id(),
        };
        let index = self.in_flight.iter().position(|(task, _)| *task == id)?;
        let (_, call) = self.in_flight.swap_remove(index);
        match joined {
            Ok((_, result)) => Some(result),
            Err(error) => {
                tracing::error!(
                    { fields::SAGA_TYPE } = S::NAME,
                    { fields::SAGA_ID } = &**self.saga_id,
                    { fields::ERROR } = &error as &dyn std::error::Error,
                    "the task of a call failed"
                );
                Some(call.interrupted())
            }
        }
    }
}

fn is_over<S: Saga>(state: &SagaState<S>) -> bool {
    state
        .run()
        .is_some_and(|run| matches!(run.phase, Phase::Ended(_)))
}

fn until(now: DateTime<Utc>, at: DateTime<Utc>) -> Duration {
    (at - now).to_std().unwrap_or(Duration::ZERO)
}

/// Updates the metrics after a commit. Sagas closed by an operator are counted by the index, because any process can
/// commit that.
fn report<S: Saga>(shared: &Shared, before: &SagaState<S>, after: &SagaState<S>) {
    let (Some(before), Some(after)) = (before.run(), after.run()) else {
        return;
    };
    let ended = match after.phase {
        Phase::Ended(SagaOutcome::Completed) => {
            Some(metrics::counter!("saga_completed_total", "saga" => S::NAME))
        }
        Phase::Ended(SagaOutcome::Compensated) => {
            Some(metrics::counter!("saga_compensated_total", "saga" => S::NAME))
        }
        Phase::Ended(SagaOutcome::Failed) | Phase::Running | Phase::Compensating { .. } => None,
    };
    if let Some(counter) = ended {
        counter.increment(1);
        let took = until(after.started_at, shared.clock.now());
        metrics::histogram!("saga_duration_seconds", "saga" => S::NAME).record(took);
    }
    if before.suspended.is_none()
        && let Some((step, state)) = after.suspended.and_then(|index| after.step(index))
    {
        metrics::counter!("saga_suspended_total", "saga" => S::NAME).increment(1);
        tracing::error!(
            { fields::SAGA_TYPE } = S::NAME,
            { fields::SAGA_ID } = after.saga_id,
            { fields::SAGA_SUBJECT } = after.subject,
            { fields::SAGA_STEP } = step.name,
            { fields::REASON } = state.reason,
            "a saga is suspended: it needs an operator"
        );
    }
}
