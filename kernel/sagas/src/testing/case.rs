//! One saga, one fault, and the checks at its end.

use event_sourcing::Actor;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use event_sourcing::aggregate::Aggregate;
use event_sourcing::envelope::Envelope;
use event_sourcing::lease::LeaseStore;
use event_sourcing::store::{Entry, EventStore, Filter};
use event_sourcing::testing::TokioClock;
use tokio::time::Instant;

use super::fake_provider::FakeProvider;
use super::fault::{CallFault, ExpectedEnd, Fault, turning_point};
use super::fault_plan::{FaultPlan, Signal, Signals};
use super::faulty::Calls;
use super::process::{LEASE, Process};
use super::scenario::{End, Scenario};
use super::test_env::TestEnv;
use crate::{
    OperatorAction, OperatorCommand, PARTITIONS, Phase, Saga, SagaDefinition, SagaOutcome,
    SagaState, Step, StepKind, names,
};

/// How long an ended saga must not change.
const SETTLED: Duration = Duration::from_secs(30);

/// A saga that completes before a case starts and that the case's saga cancels.
#[async_trait]
pub(super) trait Precondition: Send + Sync {
    /// The type of its stream, and the version of its definition.
    fn definition(&self) -> (&'static str, u32);

    /// Runs it until it has completed. Returns its id.
    async fn complete(&self, env: &Arc<TestEnv>, provider: &FakeProvider)
    -> Result<String, String>;

    /// Checks that every effect of it is undone after it was cancelled.
    async fn check(
        &self,
        saga_id: &str,
        env: &TestEnv,
        provider: &FakeProvider,
    ) -> Result<(), String>;
}

/// A step and its fault.
pub(super) struct Case<S: Saga> {
    definition: &'static SagaDefinition<S>,
    /// None for the case without a fault.
    target: Option<(usize, &'static Step<S>, Fault)>,
}

impl<S: Saga> fmt::Display for Case<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, definition {}", S::NAME, self.definition.definition)?;
        match self.target {
            None => write!(f, " without a fault"),
            Some((_, step, fault)) => write!(f, " × {} × {fault}", step.name),
        }
    }
}

/// The result of a case that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RunResult {
    /// The fault fired, and all checks passed.
    Passed,
    /// The scenario cannot provoke it.
    NotProvoked,
}

/// A saga that ran to its end.
pub(super) struct PlayedCase {
    pub(super) ran: RunResult,
    pub(super) saga_id: String,
}

impl<S: Saga> Case<S> {
    pub(super) fn without_fault(definition: &'static SagaDefinition<S>) -> Self {
        let target = None;
        Self { definition, target }
    }

    pub(super) fn all(definition: &'static SagaDefinition<S>) -> Vec<Self> {
        let mut cases = vec![Self::without_fault(definition)];
        for (index, step) in definition.steps().enumerate() {
            let faults = Fault::of(definition, index).into_iter();
            cases.extend(faults.map(|fault| Self {
                definition,
                target: Some((index, step, fault)),
            }));
        }
        cases
    }

    pub(super) fn fault(&self) -> String {
        self.target
            .map_or_else(|| "none".to_owned(), |(_, _, fault)| fault.to_string())
    }

    fn plan(&self) -> (FaultPlan, Signals) {
        let (mut plan, signals) = FaultPlan::new(S::STREAM);
        if let Some((index, step, fault)) = self.target {
            plan.fault = Some(fault);
            plan.step = step.name;
            let trigger = turning_point(self.definition, index);
            plan.is_compensatable = trigger.is_some();
            plan.trigger = trigger.filter(|_| fault.is_of_undo());
        }
        (plan, signals)
    }

    /// Runs it, after the saga that it cancels, if there is one. Returns the result and the events of the store as text.
    pub(super) async fn run<C: Scenario<Saga = S>>(
        self,
        scenario: Arc<C>,
        before: Option<Arc<dyn Precondition>>,
    ) -> (Result<RunResult, String>, String) {
        let mut definitions = vec![(S::STREAM, self.definition.definition)];
        definitions.extend(before.iter().map(|before| before.definition()));
        let env = TestEnv::new(Arc::new(TokioClock::start()), definitions);
        let env = Arc::new(env);
        let shown = Arc::clone(&env);
        // In its own task, so that a panic is reported like any other failure.
        let ran = tokio::spawn(async move {
            let provider = FakeProvider::default();
            let Some(before) = before else {
                return Ok(self.play(scenario, &env, &provider).await?.ran);
            };
            let cancelled = before.complete(&env, &provider).await?;
            let ran = self.play(scenario, &env, &provider).await?.ran;
            if ran == RunResult::Passed {
                before.check(&cancelled, &env, &provider).await?;
            }
            Ok(ran)
        });
        let ended = ran.await.unwrap_or_else(|error| Err(error.to_string()));
        (ended, describe(&shown).await)
    }

    /// Starts its saga and runs it to its end.
    pub(super) async fn play<C: Scenario<Saga = S>>(
        self,
        scenario: Arc<C>,
        env: &Arc<TestEnv>,
        provider: &FakeProvider,
    ) -> Result<PlayedCase, String> {
        let (plan, signals) = self.plan();
        let keeps_open = self.target.filter(|(_, _, fault)| {
            let how = fault.is_call(false);
            how == Some(CallFault::KeyStaysOpen)
        });
        provider.keep_open(keeps_open.map(|(_, step, _)| step.name));
        let saga_id = scenario.begin(env).await;
        env.evict::<S>(&saga_id);
        if let Some((_, step, Fault::Declined)) = self.target
            && !scenario.reject_step(env, step.name).await
        {
            let ran = RunResult::NotProvoked;
            return Ok(PlayedCase { ran, saga_id });
        }
        let run = CaseRun {
            case: self,
            scenario,
            env: Arc::clone(env),
            calls: Arc::new(Calls::new(Arc::new(plan), provider.clone())),
            saga_id,
            is_cancelled: AtomicBool::new(false),
        };
        Ok(PlayedCase {
            ran: run.play(signals).await?,
            saga_id: run.saga_id,
        })
    }
}

/// Everything of one case.
struct CaseRun<C: Scenario> {
    case: Case<C::Saga>,
    scenario: Arc<C>,
    env: Arc<TestEnv>,
    calls: Arc<Calls<C::Saga>>,
    saga_id: String,
    /// Whether a cancellation was accepted.
    is_cancelled: AtomicBool,
}

impl<C: Scenario> CaseRun<C> {
    fn start(&self, owner: usize) -> Process {
        Process::start::<C::Saga>(
            owner,
            Arc::clone(&self.env.store),
            Arc::clone(&self.env.clock),
            &self.calls,
            |engine| self.scenario.providers(&self.calls.provider, engine),
        )
    }

    async fn state(&self) -> SagaState<C::Saga> {
        self.env.state(&self.saga_id).await
    }

    async fn play(&self, mut signals: Signals) -> Result<RunResult, String> {
        let mut owners = 1;
        let mut process = self.start(owners);
        let limit = Instant::now() + limit(self.case.definition);
        let mut suspensions = 0;
        loop {
            let state = self.state().await;
            let run = state.run().ok_or("the saga has not started")?;
            if matches!(run.phase, Phase::Ended(_)) {
                break;
            }
            if run.suspended.is_some() {
                suspensions += 1;
                self.resume().await;
                continue;
            }
            let head = self.env.store.head().await.map_err(|e| e.to_string())?;
            tokio::select! {
                biased;
                signal = signals.recv() => {
                    let Some((signal, done)) = signal else { continue };
                    match signal {
                        Signal::Crash => {
                            process.crash().await;
                            owners += 1;
                            process = self.start(owners);
                        }
                        Signal::Cancel => {
                            let is_cancelled = self.scenario.cancel(&self.env, &self.saga_id).await;
                            self.is_cancelled.store(is_cancelled, Ordering::Relaxed);
                            process.engine.wake(&self.saga_id);
                        }
                        Signal::StealLease => {
                            self.steal_leases(done).await?;
                            continue;
                        }
                    }
                    // In a process that crashed, the receiver is dropped.
                    let _gone = done.send(());
                }
                reached = self.env.store.wait_for(head.next()) => {
                    reached.map_err(|error| error.to_string())?;
                }
                () = tokio::time::sleep_until(limit) => {
                    return Err(format!("the saga did not end: {run:?}"));
                }
            }
        }
        self.wait_for_rest().await;
        let open = process.engine.open();
        if !open.is_empty() {
            return Err(format!("the engine still has open sagas: {open:?}"));
        }
        process.stop().await;
        self.check_result(suspensions).await
    }

    /// Another owner seizes all leases while the process continues: the process, a zombie, must not write.
    async fn steal_leases(&self, done: tokio::sync::oneshot::Sender<()>) -> Result<(), String> {
        let (store, owner) = (&self.env.store, "usurper");
        let names: Vec<Arc<str>> = (0..PARTITIONS)
            .map(|partition| format!("saga/{partition:02}").into())
            .collect();
        let lasts = Duration::from_hours(1);
        let seized = store.seize_leases(&names, owner, lasts).await;
        seized.map_err(|error| error.to_string())?;
        let before = self.state().await.version();
        let _gone = done.send(());
        tokio::time::sleep(LEASE * 2).await;
        let after = self.state().await.version();
        let released = store.release_leases(&names, owner).await;
        released.map_err(|error| error.to_string())?;
        if before == after {
            Ok(())
        } else {
            Err(format!("a zombie wrote: from {before:?} to {after:?}"))
        }
    }

    async fn resume(&self) {
        self.calls.plan.heal();
        let by = Actor {
            id: "an operator".to_owned(),
            reason: "it is repaired".to_owned(),
        };
        let resume = OperatorCommand::<C::Saga>::new(&self.saga_id, OperatorAction::Resume, by);
        self.env.execute(&resume).await;
    }

    /// Waits until whatever is still in flight has arrived.
    async fn wait_for_rest(&self) {
        tokio::time::sleep(SETTLED).await;
        self.calls.deliver().await;
        tokio::time::sleep(SETTLED).await;
    }

    async fn check_result(&self, suspensions: usize) -> Result<RunResult, String> {
        let state = self.state().await;
        if let Some(damage) = state.corruption() {
            return Err(format!("the stream is corrupt: {damage}"));
        }
        let run = state.run().ok_or("the saga has not started")?;
        let Phase::Ended(outcome) = run.phase else {
            return Err("the saga did not stay ended".to_owned());
        };
        let stream = SagaState::<C::Saga>::stream(&self.saga_id);
        let events = self.env.events(&stream).await;
        let ends = events.iter().filter(|event| is_end(event)).count();
        if ends != 1 {
            return Err(format!("the saga has {ends} ends"));
        }
        self.check_end(outcome, suspensions)?;
        self.check_effects(outcome)?;
        let held = self.env.store.held_leases("saga").await;
        let held = held.map_err(|error| error.to_string())?;
        if !held.is_empty() {
            return Err(format!("leases held after a clean stop: {held:?}"));
        }
        let end = End {
            saga_id: &self.saga_id,
            outcome,
            run,
            env: &self.env,
        };
        self.scenario.check(&end).await?;
        Ok(RunResult::Passed)
    }

    fn check_end(&self, outcome: SagaOutcome, suspensions: usize) -> Result<(), String> {
        let Some((_, step, fault)) = self.case.target else {
            return is(
                outcome == SagaOutcome::Completed && suspensions == 0,
                "a saga without a fault must complete without suspension",
            );
        };
        is(
            fault == Fault::Declined || self.calls.plan.has_fired(),
            "the fault did not fire",
        )?;
        let is_cancelled = self.is_cancelled.load(Ordering::Relaxed);
        let expected = match fault.expected(self.case.definition, step) {
            ExpectedEnd::Only(only) => only,
            ExpectedEnd::Either if outcome == SagaOutcome::Failed => SagaOutcome::Completed,
            ExpectedEnd::Either => outcome,
            ExpectedEnd::AsCancelled if is_cancelled => SagaOutcome::Compensated,
            ExpectedEnd::AsCancelled => SagaOutcome::Completed,
        };
        is(
            outcome == expected,
            &format!("ended as {outcome:?}, expected {expected:?}"),
        )?;
        let expected = fault.suspensions(step);
        is(
            suspensions == expected,
            &format!("suspended {suspensions} times, expected {expected}"),
        )?;
        let is_not_sent = fault.is_call(false) == Some(CallFault::CancelBefore) && is_cancelled;
        is(
            !is_not_sent || self.calls.calls(step.name) == 0,
            "a call was made after the saga was cancelled",
        )
    }

    fn check_effects(&self, outcome: SagaOutcome) -> Result<(), String> {
        let doubled = self.calls.provider.applied_twice();
        let is_open = self.calls.plan.fault.and_then(|fault| fault.is_call(false))
            == Some(CallFault::KeyStaysOpen);
        is(
            doubled.is_empty() || is_open,
            &format!("{doubled:?} took effect more than once"),
        )?;
        let own = format!("{}/", self.saga_id);
        let mut effects = self.calls.provider.applied_effects();
        effects.retain(|effect| effect.key.as_str().starts_with(&own));
        for step in self.case.definition.steps() {
            // A step that undoes a step of another saga has no effect under its own key.
            if !matches!(&step.kind, StepKind::External(external) if !external.is_undo) {
                continue;
            }
            let of_step = effects.iter().filter(|effect| effect.step == step.name);
            let count = of_step.count();
            let is_clean = match outcome {
                SagaOutcome::Completed => count == 1,
                SagaOutcome::Compensated => count == 0 || !step.can_be_undone(),
                SagaOutcome::Failed => true,
            };
            is(
                is_clean,
                &format!("ended as {outcome:?}, and these effects remain: {effects:?}"),
            )?;
        }
        Ok(())
    }
}

fn is(holds: bool, otherwise: &str) -> Result<(), String> {
    holds.then_some(()).ok_or_else(|| otherwise.to_owned())
}

fn is_end(event: &Envelope) -> bool {
    [names::COMPLETED, names::COMPENSATED, names::FAILED].contains(&event.event_type.as_str())
}

/// The time limit of a case.
fn limit<S: Saga>(definition: &SagaDefinition<S>) -> Duration {
    const MAX_WAIT: Duration = Duration::from_hours(4);
    let of_step = |step: &Step<S>| {
        let one_try = step.timeout.saturating_add(step.retry.max);
        let tries = one_try.saturating_mul(step.retry.tries.saturating_mul(2));
        tries.saturating_add(step.deadline.min(MAX_WAIT))
    };
    let steps = definition
        .steps()
        .map(of_step)
        .fold(Duration::ZERO, Duration::saturating_add);
    let pivot_deadline = definition.pivot_deadline.min(MAX_WAIT);
    steps.saturating_add(pivot_deadline).min(MAX_WAIT) + Duration::from_hours(1)
}

/// The events of the store, one a line.
async fn describe(env: &TestEnv) -> String {
    let all = Filter::ALL;
    let page = env
        .store
        .read_all(event_sourcing::id::Position::START, &all, usize::MAX)
        .await;
    let entries = page.map(|page| page.entries).unwrap_or_default();
    let events = entries.iter().filter_map(Entry::event);
    let lines = events.map(|event| {
        let (stream, version) = (&event.stream, event.version.0);
        let at = event.recorded_at.format("%H:%M:%S%.3f");
        format!(
            "  {at} {stream} {version}: {} {}",
            event.event_type, event.data
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}
