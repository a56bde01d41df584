//! One commit of a saga's owner: the results of its calls and everything that follows from them.
//!
//! The result of a call, the domain's events, the local steps after it and the intent of the next call share one
//! commit, so that a saga costs one commit for each call. A crash before the commit loses nothing but the result,
//! which the next owner looks up at the provider under the same key.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use event_sourcing::clock::after;
use event_sourcing::execute::{Command, DecideError, Lane, States, UnitOfWork};
use event_sourcing::trace;
use parking_lot::Mutex;
use serde_json::Value;

use super::definition::{EventOf, Role, Saga, StateReader, Step, StepKind, StepRejected};
use super::event::{
    CompensationStarted, Ended, FailureKind, SagaEvent, StepCompensated, StepCompleted, StepFailed,
    StepStarted, Suspended,
};
use super::next::{NextMove, next};
use super::operation::{CallError, CompensationResult, MAX_RETRY_AFTER, OperationKey, readable};
use super::span::step_span;
use super::state::{Phase, Run, SagaState, StepState, StepStatus};

/// The result of a call that this process made.
#[derive(Clone, Debug)]
pub(super) struct StepResult {
    pub(super) step: usize,
    pub(super) undo: bool,
    pub(super) attempt: u32,
    pub(super) key: OperationKey,
    pub(super) outcome: CallOutcome,
}

#[derive(Clone, Debug)]
pub(super) enum CallOutcome {
    Done(Value),
    Compensated(CompensationResult),
    Failed(CallError),
    /// Its intent was recorded, and the call was not made.
    NotSent,
}

impl CallOutcome {
    /// A word for metrics.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Done(_) => "done",
            Self::Compensated(_) => "compensated",
            Self::Failed(CallError::Declined(_)) => "declined",
            Self::Failed(CallError::Transient { .. }) => "transient",
            Self::Failed(CallError::Unknown { .. }) => "unknown",
            Self::NotSent => "not_sent",
        }
    }
}

/// Records results of calls and advances the saga until it must wait.
#[derive(Clone, Debug)]
pub(super) struct Advance<S: Saga> {
    pub(super) saga_id: Arc<str>,
    pub(super) results: Vec<StepResult>,
    /// The steps whose calls are in flight in this process.
    pub(super) in_flight: Vec<usize>,
    /// Remaining concurrency permits.
    pub(super) slots: usize,
    /// Upper limit of the backoff between tries, whatever the definition sets. A provider's `retry_after` overrides it.
    pub(super) longest_pause: Duration,
    /// The streams that the next decision reads.
    pub(super) lanes: Vec<Lane>,
    /// The intents recorded by the last decision.
    pub(super) intents: RecordedIntents,
    pub(super) saga: PhantomData<fn() -> S>,
}

/// Calls whose intent was recorded, as step and attempt. Only the process that recorded an intent may call without a
/// look-up: for any other, the call may have been made before a crash.
pub(super) type RecordedIntents = Arc<Mutex<Vec<(usize, u32)>>>;

/// The stream holds, or the decision would append, an illegal transition. Nothing is written.
#[derive(Debug)]
pub(super) struct Corrupt(pub(super) String);

type Stopped = DecideError<Corrupt>;

impl<S: Saga> Command for Advance<S> {
    const NAME: &'static str = "advance_saga";
    type Rejection = Corrupt;
    type Reply = Arc<SagaState<S>>;

    fn streams(&self) -> Vec<Lane> {
        let mut lanes = self.lanes.clone();
        lanes.push(Lane::write::<SagaState<S>>(&self.saga_id));
        lanes
    }

    fn decide(&self, work: &mut UnitOfWork<'_, Corrupt>) -> Result<(), Stopped> {
        // A decision may run again, on newer state, after a version conflict: only the intents of the last run count.
        self.intents.lock().clear();
        let mut pass = DecisionPass::<S> {
            saga_id: &self.saga_id,
            now: work.now(),
            live: self.in_flight.clone(),
            slots: self.slots,
            longest_pause: self.longest_pause,
            intents: &self.intents,
            work: work.rejecting(),
            saga: PhantomData,
        };
        pass.state()?;
        // Results first: what to do next depends on them, and they must not be lost if nothing else can be done.
        for result in &self.results {
            pass.record(result)?;
        }
        while pass.step()? {}
        Ok(())
    }

    fn reply(&self, states: &States) -> Option<Arc<SagaState<S>>> {
        Some(states.get::<SagaState<S>>(&self.saga_id)?.0)
    }
}

/// One decision in progress.
struct DecisionPass<'a, S: Saga> {
    saga_id: &'a str,
    now: DateTime<Utc>,
    live: Vec<usize>,
    slots: usize,
    longest_pause: Duration,
    intents: &'a RecordedIntents,
    work: UnitOfWork<'a, Corrupt>,
    saga: PhantomData<S>,
}

impl<S: Saga> DecisionPass<'_, S> {
    fn state(&mut self) -> Result<Arc<SagaState<S>>, Stopped> {
        let state = self.work.state::<SagaState<S>>(self.saga_id)?;
        match state.corruption() {
            Some(damage) => Err(Corrupt(damage.to_owned()).into()),
            None => Ok(state),
        }
    }

    /// Appends events. An illegal transition ends the decision, so that it is never written.
    fn append(&mut self, events: &[EventOf<S>]) -> Result<(), Stopped> {
        self.work.append::<SagaState<S>>(self.saga_id, events)?;
        self.state().map(|_| ())
    }

    /// Records the result of a call, unless it is obsolete: an operator may have resolved the step or closed the saga
    /// while the call was in flight.
    fn record(&mut self, result: &StepResult) -> Result<(), Stopped> {
        let state = self.state()?;
        let open = state
            .run()
            .filter(|run| !matches!(run.phase, Phase::Ended(_)));
        let Some(at) = open.and_then(|run| StepPosition::new(run, result.step, result.undo)) else {
            return Ok(());
        };
        let awaited = if result.undo {
            StepStatus::Compensating
        } else {
            StepStatus::Calling
        };
        // The attempt and the key identify the call: a result of an earlier try, or under a key that a resumption has
        // replaced, is not the one that the saga waits for.
        let is_awaited = at.state.status == awaited && at.state.attempts == result.attempt;
        if !is_awaited || at.key != result.key {
            return Ok(());
        }
        match (&result.outcome, &at.step.kind) {
            (CallOutcome::Done(output), StepKind::External(external)) => {
                match (external.completed)(&at.run.data, &at.key, output) {
                    Ok(writes) => {
                        self.append(&[at.completed(Some(output.clone()))])?;
                        writes.append_to(&mut self.work)
                    }
                    // It took effect, and its output cannot be stored: another try would not help, so suspend.
                    Err(misfit) => {
                        let reason = readable(&misfit.to_string());
                        self.fail_as(&at, FailureKind::Unknown, &reason, None, true)
                    }
                }
            }
            (CallOutcome::Compensated(found), _) if at.contradicts(found) => self.fail(
                &at,
                &CallError::transient(CompensationResult::UNKNOWN_ACTION),
            ),
            (CallOutcome::Compensated(found), StepKind::External(external)) if found.key_closed => {
                // Of a key that had stayed open only late actions are reported; the saga log has recorded the effect.
                let found = CompensationResult {
                    had_effect: found.had_effect || at.state.completed,
                    ..found.clone()
                };
                let writes = (external.compensated)(&at.run.data, &found);
                self.append(&[at.compensated(found.had_effect)])?;
                writes.append_to(&mut self.work)
            }
            (CallOutcome::Compensated(_), _) => {
                let reason = "undone, but the key is open: undone again later, in case the action arrives late";
                let due = after(self.now, at.step.timeout.min(self.longest_pause));
                let again = at.has_tries().then_some(due);
                self.fail_as(&at, FailureKind::KeyOpen, reason, again, again.is_none())
            }
            (CallOutcome::Failed(failure), _) => self.fail(&at, failure),
            (CallOutcome::NotSent, _) => {
                // Normally due immediately. If the saga was cancelled in between, the step is given up instead, so
                // that compensation can start; except a pivot with an unknown outcome, which must be resolved first.
                let is_open_pivot = at.step.role == Role::Pivot && at.state.unresolved;
                let gives_way = at.run.cancel.is_some() && !at.run.is_decided() && !is_open_pivot;
                let again = (!gives_way).then_some(self.now);
                self.append(&[at.failed(FailureKind::Transient, "not sent", again)])
            }
            (CallOutcome::Done(_), StepKind::Local { .. }) => Ok(()),
        }
    }

    /// Takes the first move that is possible now. Returns whether there was one.
    fn step(&mut self) -> Result<bool, Stopped> {
        let state = self.state()?;
        let Some(run) = state.run() else {
            return Ok(false);
        };
        for planned in next(run, self.now).moves {
            if self.take(run, &planned)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn take(&mut self, run: &Run<S>, planned: &NextMove) -> Result<bool, Stopped> {
        match *planned {
            NextMove::Decide { step, undo } => self.decide(run, step, undo),
            NextMove::Call { step, undo, .. } => self.record_intent(run, step, undo),
            NextMove::GiveUp { step } => self.give_up(run, step),
            NextMove::Compensate { ref reason, step } => {
                let step = step.and_then(|step| Some(run.step(step)?.0.name.to_owned()));
                self.append(&[SagaEvent::CompensationStarted(CompensationStarted {
                    saga_id: run.saga_id.clone(),
                    subject: run.subject.clone(),
                    reason: reason.clone(),
                    step,
                })])?;
                Ok(true)
            }
            NextMove::Complete | NextMove::Compensated => {
                self.end(run, *planned == NextMove::Complete)
            }
        }
    }

    fn decide(&mut self, run: &Run<S>, step: usize, undo: bool) -> Result<bool, Stopped> {
        let Some(at) = StepPosition::new(run, step, undo) else {
            return Ok(false);
        };
        let StepKind::Local { action, undo: back } = at.step.kind else {
            return Ok(false);
        };
        let local = if undo { back } else { Some(action) };
        let Some(local) = local else {
            return Ok(false);
        };
        let span = trace::nested(|| step_span(S::NAME, at.step.name, undo));
        match span.in_scope(|| local(&run.data, &mut StateReader(self.work.rejecting()))) {
            Ok(writes) if undo => {
                self.append(&[at.compensated(true)])?;
                writes.append_to(&mut self.work)?;
            }
            Ok(writes) => {
                self.append(&[at.completed(None)])?;
                writes.append_to(&mut self.work)?;
            }
            Err(DecideError::Rejected(StepRejected(reason))) => {
                let at = StepPosition {
                    attempt: at.attempt + 1,
                    ..at
                };
                self.fail(&at, &CallError::Declined(reason))?;
            }
            Err(DecideError::MissingStream(missing)) => {
                return Err(DecideError::MissingStream(missing));
            }
        }
        Ok(true)
    }

    /// Records that a call is about to be made. The call itself follows only after the commit, so that no call is ever
    /// made that a successor does not know of.
    fn record_intent(&mut self, run: &Run<S>, step: usize, undo: bool) -> Result<bool, Stopped> {
        let Some(at) = StepPosition::new(run, step, undo) else {
            return Ok(false);
        };
        if self.slots == 0 || self.live.contains(&step) {
            return Ok(false);
        }
        self.slots -= 1;
        self.live.push(step);
        self.intents.lock().push((step, at.attempt + 1));
        // The first try fixes the deadline for all tries. A compensation and a retriable step must succeed: they have none.
        let deadline = (!undo && at.step.role != Role::Retriable).then(|| {
            at.state
                .deadline
                .unwrap_or(after(self.now, at.step.deadline))
        });
        self.append(&[SagaEvent::StepStarted(StepStarted {
            saga_id: run.saga_id.clone(),
            subject: run.subject.clone(),
            step: at.step.name.to_owned(),
            undo,
            attempt: at.attempt + 1,
            key: at.key,
            deadline,
        })])?;
        Ok(true)
    }

    fn give_up(&mut self, run: &Run<S>, step: usize) -> Result<bool, Stopped> {
        // A call in flight in this process returns within its timeout; its result is worth waiting for.
        let Some(at) = StepPosition::new(run, step, false).filter(|_| !self.live.contains(&step))
        else {
            return Ok(false);
        };
        let is_open = at.state.unresolved || at.state.status == StepStatus::Calling;
        let outcome = if is_open {
            FailureKind::Unknown
        } else {
            FailureKind::Transient
        };
        let reason = match &at.state.reason {
            Some(reason) => format!("not done before the deadline; last failure: {reason}"),
            None => "not done before the deadline".to_owned(),
        };
        self.append(&[at.failed(outcome, &reason, None)])?;
        Ok(true)
    }

    fn end(&mut self, run: &Run<S>, completed: bool) -> Result<bool, Stopped> {
        let Some(definition) = run.definition_of() else {
            return Ok(false);
        };
        let ended = Ended {
            saga_id: run.saga_id.clone(),
            subject: run.subject.clone(),
        };
        let (event, end) = if completed {
            (SagaEvent::Completed(ended), definition.completed)
        } else {
            (SagaEvent::Compensated(ended), definition.compensated)
        };
        let writes = end(
            &run.data,
            run.reason(),
            &mut StateReader(self.work.rejecting()),
        )
        .map_err(DecideError::missing_stream)?;
        self.append(&[event])?;
        writes.append_to(&mut self.work)?;
        Ok(true)
    }

    /// Records a failure, and decides whether and when the call is retried.
    fn fail(&mut self, at: &StepPosition<'_, S>, failure: &CallError) -> Result<(), Stopped> {
        let (outcome, reason) = match failure {
            CallError::Declined(reason) => (FailureKind::Declined, reason),
            CallError::Transient { reason, .. } => (FailureKind::Transient, reason),
            CallError::Unknown { reason, .. } => (FailureKind::Unknown, reason),
        };
        let random = self.work.derive_id("jitter").as_u128() & u128::from(u32::MAX);
        let random = u64::try_from(random).unwrap_or(0);
        let retry = at.step.retry.within(self.longest_pause);
        // Jitter on top of the provider's `retry_after`: callers that were rate limited together must not retry together.
        let asked_for = failure.retry_after().map_or(Duration::ZERO, |wait| {
            wait.min(MAX_RETRY_AFTER) + retry.pause(1, random)
        });
        let pause = retry.pause(at.state.failures + 1, random);
        let due = after(self.now, pause.max(asked_for));
        let is_declined = outcome == FailureKind::Declined;
        let has_tries = at.has_tries();
        let is_open = at.state.unresolved || outcome == FailureKind::Unknown;
        let (again, suspends) = match at.step.role {
            // What must succeed is never given up: after its last try it waits for an operator.
            _ if at.undo => (has_tries, !has_tries),
            Role::Retriable => (has_tries && !is_declined, !has_tries || is_declined),
            // The saga can neither continue nor compensate while it is unknown whether the pivot took effect.
            Role::Pivot if is_open && !is_declined => (has_tries, !has_tries),
            Role::Compensatable | Role::Pivot => {
                let in_time = at.state.deadline.is_none_or(|deadline| due < deadline);
                (in_time && !is_declined, false)
            }
        };
        self.fail_as(at, outcome, reason, again.then_some(due), suspends)
    }

    fn fail_as(
        &mut self,
        at: &StepPosition<'_, S>,
        outcome: FailureKind,
        reason: &str,
        again: Option<DateTime<Utc>>,
        suspends: bool,
    ) -> Result<(), Stopped> {
        let mut events = vec![at.failed(outcome, reason, again)];
        // A resumption applies to all steps, so one suspension is enough.
        if suspends && at.run.suspended.is_none() {
            events.push(SagaEvent::Suspended(Suspended {
                saga_id: at.run.saga_id.clone(),
                subject: at.run.subject.clone(),
                step: at.step.name.to_owned(),
                undo: at.undo,
                reason: reason.to_owned(),
            }));
        }
        self.append(&events)
    }
}

/// A step at its current attempt: creates the events about it.
struct StepPosition<'a, S: Saga> {
    run: &'a Run<S>,
    step: &'static Step<S>,
    state: &'a StepState,
    key: OperationKey,
    undo: bool,
    attempt: u32,
}

impl<'a, S: Saga> StepPosition<'a, S> {
    fn new(run: &'a Run<S>, index: usize, undo: bool) -> Option<Self> {
        let (step, state) = run.step(index)?;
        Some(Self {
            run,
            step,
            state,
            key: run.key(index)?,
            undo,
            attempt: state.attempts,
        })
    }

    /// Whether there is another try after this one.
    fn has_tries(&self) -> bool {
        self.state.failures + 1 < self.step.retry.tries
    }

    /// Whether a provider reports that nothing was to be undone, of an action that took effect. A repeated undo reports
    /// the effect as well, so this is not the provider that executed the action, or it has lost its records.
    fn contradicts(&self, found: &CompensationResult) -> bool {
        self.state.completed && !found.had_effect && !self.state.is_key_open
    }

    fn completed(&self, output: Option<Value>) -> EventOf<S> {
        SagaEvent::StepCompleted(StepCompleted {
            saga_id: self.run.saga_id.clone(),
            subject: self.run.subject.clone(),
            step: self.step.name.to_owned(),
            output,
            actor: None,
        })
    }

    fn compensated(&self, had_effect: bool) -> EventOf<S> {
        SagaEvent::StepCompensated(StepCompensated {
            saga_id: self.run.saga_id.clone(),
            subject: self.run.subject.clone(),
            step: self.step.name.to_owned(),
            had_effect,
            actor: None,
        })
    }

    fn failed(
        &self,
        outcome: FailureKind,
        reason: &str,
        retry_at: Option<DateTime<Utc>>,
    ) -> EventOf<S> {
        SagaEvent::StepFailed(StepFailed {
            saga_id: self.run.saga_id.clone(),
            subject: self.run.subject.clone(),
            step: self.step.name.to_owned(),
            undo: self.undo,
            attempt: self.attempt,
            outcome,
            reason: reason.to_owned(),
            retry_at,
        })
    }
}
