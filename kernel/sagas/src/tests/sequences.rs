//! After any sequence of results, crashes and commands, what the owner decides is legal, and once everything succeeds
//! the saga ends.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use event_sourcing::clock::{Clock, ManualClock};
use event_sourcing::event::Metadata;
use event_sourcing::execute::{
    Command, Context, ExecuteError, Executed, Executor, ExecutorConfig, Lane,
};
use event_sourcing::execute::{DecideError, States, UnitOfWork};
use event_sourcing::id::CommandId;
use event_sourcing::memory::MemoryEventStore;
use event_sourcing::testing::at;
use proptest::prelude::*;
use tokio::time::Instant;

use super::trip::{Booking, ErrandSaga, Purchase, PutOn, Tour, Travel, Trip, put};
use crate::advance::{Advance, CallOutcome, RecordedIntents, StepResult};
use crate::operation::{CallError, CompensationResult};
use crate::state::{Phase, Run, SagaOutcome, StepStatus};
use crate::{OperatorAction, OperatorCommand, SagaState, next, started};
use event_sourcing::Actor;

#[derive(Clone, Debug)]
enum Operation {
    /// The owner drives it, with this many permits for calls.
    Drive(usize),
    /// The result of one of the calls in flight.
    Result(usize, Reply),
    /// The owner loses a call, as in a crash.
    Forget(usize),
    Operator(OperatorAction),
    Wait(i64),
    /// The domain makes a local step impossible, or possible again.
    Domain(&'static str, i64),
}

#[derive(Clone, Copy, Debug)]
enum Reply {
    Good,
    Open,
    Declined,
    Transient,
    Unknown,
    NotSent,
}

fn operation() -> impl Strategy<Value = Operation> {
    let reply = prop::sample::select(vec![
        Reply::Good,
        Reply::Open,
        Reply::Declined,
        Reply::Transient,
        Reply::Unknown,
        Reply::NotSent,
    ]);
    let act = prop::sample::select(vec![
        OperatorAction::Resume,
        OperatorAction::Retry,
        OperatorAction::Cancel,
        OperatorAction::Resolve,
        OperatorAction::Close,
    ]);
    let step = prop::sample::select(vec!["no hold", "no stamp", "no archive"]);
    prop_oneof![
        4 => (0_usize..3).prop_map(Operation::Drive),
        8 => (0_usize..3, reply).prop_map(|(index, reply)| Operation::Result(index, reply)),
        2 => (0_usize..3).prop_map(Operation::Forget),
        1 => act.prop_map(Operation::Operator),
        3 => (0_i64..40).prop_map(Operation::Wait),
        1 => (step, -1_i64..=1).prop_map(|(step, by)| Operation::Domain(step, by)),
    ]
}

struct Bench<S: Travel> {
    executor: Executor,
    clock: Arc<ManualClock>,
    commands: u64,
    state: Arc<SagaState<S>>,
    /// Calls in flight: step, undo, attempt.
    live: Vec<(usize, bool, u32)>,
}

impl<S: Travel> Bench<S> {
    async fn start() -> Self {
        let clock = Arc::new(ManualClock::new(at(0)));
        let store = Arc::new(MemoryEventStore::new(Arc::clone(&clock) as Arc<_>));
        let clocks = Arc::clone(&clock) as Arc<dyn Clock>;
        let (executor, _tasks) = Executor::start(store, clocks, ExecutorConfig::default());
        let mut bench = Self {
            executor,
            clock,
            commands: 0,
            state: Arc::default(),
            live: Vec::new(),
        };
        bench.state = bench
            .execute(&Begin(std::marker::PhantomData))
            .await
            .unwrap()
            .reply;
        bench
    }

    async fn execute<C: Command>(
        &mut self,
        command: &C,
    ) -> Result<Executed<C::Reply>, ExecuteError<C::Rejection>> {
        self.commands += 1;
        let mut random = [0; 10];
        random[2..].copy_from_slice(&self.commands.to_be_bytes());
        let context = Context {
            command_id: CommandId::from_parts(self.clock.now(), random),
            deadline: Instant::now() + Duration::from_secs(20),
            metadata: Metadata::default(),
            fence: None,
        };
        self.executor.execute(command, &context).await
    }

    fn run(&self) -> &Run<S> {
        self.state.run().unwrap()
    }

    async fn advance(&mut self, results: Vec<StepResult>, slots: usize) {
        let intents = RecordedIntents::default();
        let advance = Advance::<S> {
            saga_id: "trip-1".into(),
            results,
            in_flight: self.live.iter().map(|(step, ..)| *step).collect(),
            slots,
            longest_pause: Duration::MAX,
            lanes: Vec::new(),
            intents: Arc::clone(&intents),
            saga: PhantomData,
        };
        self.state = self
            .execute(&advance)
            .await
            .expect("only legal moves")
            .reply;
        assert_eq!(self.state.corruption(), None);
        for (step, attempt) in intents.lock().iter() {
            let state = &self.run().steps[*step];
            assert_eq!(state.attempts, *attempt);
            let undo = matches!(self.run().phase, Phase::Compensating { .. });
            self.live.push((*step, undo, *attempt));
        }
    }

    async fn record(&mut self, index: usize, reply: Reply) {
        if index >= self.live.len() {
            return;
        }
        let (step, undo, attempt) = self.live.remove(index);
        let run = self.run();
        let outcome = match reply {
            Reply::Good | Reply::Open if undo => CallOutcome::Compensated(CompensationResult {
                had_effect: true,
                reference: None,
                key_closed: matches!(reply, Reply::Good),
            }),
            Reply::Good | Reply::Open => CallOutcome::Done("booked".into()),
            Reply::Declined => CallOutcome::Failed(CallError::Declined("no".to_owned())),
            Reply::Transient => CallOutcome::Failed(CallError::transient("not now")),
            Reply::NotSent if !undo => CallOutcome::NotSent,
            Reply::Unknown | Reply::NotSent => CallOutcome::Failed(CallError::unknown("lost")),
        };
        let key = run.key(step).unwrap();
        let result = StepResult {
            step,
            undo,
            attempt,
            key,
            outcome,
        };
        self.advance(vec![result], 1).await;
    }

    async fn operator(&mut self, act: OperatorAction) {
        let by = Actor {
            id: "an operator".to_owned(),
            reason: "a test".to_owned(),
        };
        match self
            .execute(&OperatorCommand::<S>::new("trip-1", act, by))
            .await
        {
            Ok(_) => self.state = self.executor.load("trip-1").await.unwrap().0,
            Err(ExecuteError::Rejected { .. }) => {}
            Err(other) => panic!("{other}"),
        }
        assert_eq!(self.state.corruption(), None, "{act:?}");
    }

    async fn happen(&mut self, operation: Operation) {
        match operation {
            Operation::Drive(slots) => self.advance(Vec::new(), slots).await,
            Operation::Result(index, reply) => self.record(index, reply).await,
            Operation::Forget(index) => {
                if index < self.live.len() {
                    self.live.remove(index);
                }
            }
            Operation::Operator(act) => self.operator(act).await,
            Operation::Wait(seconds) => self.clock.advance(TimeDelta::seconds(seconds)),
            Operation::Domain(what, by) => {
                self.execute(&PutOn("a".to_owned(), put(what, by)))
                    .await
                    .unwrap();
            }
        }
    }

    /// From here on everything succeeds, and an operator resumes the saga.
    async fn finish(&mut self) -> SagaOutcome {
        for what in ["no hold", "no stamp", "no archive"] {
            self.execute(&PutOn("a".to_owned(), put(what, -1_000)))
                .await
                .unwrap();
        }
        for _ in 0..200 {
            if let Phase::Ended(outcome) = self.run().phase {
                return outcome;
            }
            if self.run().suspended.is_some() {
                self.operator(OperatorAction::Resume).await;
            }
            self.advance(Vec::new(), 2).await;
            while !self.live.is_empty() {
                self.record(0, Reply::Good).await;
            }
            let now = self.clock.now();
            if let Some(wake_at) = next(self.run(), now).wake_at {
                assert!(wake_at > now, "the next wake-up is in the past");
                self.clock.advance(wake_at - now);
            }
        }
        panic!("the saga did not end: {:?}", self.run());
    }
}

struct Begin<S>(std::marker::PhantomData<fn() -> S>);

impl<S: Travel> Command for Begin<S> {
    const NAME: &'static str = "begin_saga";
    type Rejection = String;
    type Reply = Arc<SagaState<S>>;

    fn streams(&self) -> Vec<Lane> {
        vec![Lane::create::<SagaState<S>>("trip-1")]
    }

    fn decide(&self, work: &mut UnitOfWork<'_, String>) -> Result<(), DecideError<String>> {
        let event = started::<S>("trip-1", "a trip", Trip::on("a"), Metadata::default());
        work.append::<SagaState<S>>("trip-1", &[event])
    }

    fn reply(&self, states: &States) -> Option<Arc<SagaState<S>>> {
        Some(states.get::<SagaState<S>>("trip-1")?.0)
    }
}

fn run_sequence<S: Travel>(operations: Vec<Operation>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut bench = Bench::<S>::start().await;
        for operation in operations {
            if matches!(bench.run().phase, Phase::Ended(_)) {
                break;
            }
            bench.happen(operation).await;
        }
        let outcome = bench.finish().await;
        // Results of calls that outlive the saga change nothing.
        while !bench.live.is_empty() {
            bench.record(0, Reply::Good).await;
        }
        assert_eq!(bench.run().phase, Phase::Ended(outcome));
        let is_clean = |(step, state): (&crate::Step<S>, _)| {
            !step.can_be_undone() || !bench.run().needs_undo(state)
        };
        if outcome == SagaOutcome::Compensated {
            let definition = S::definition_of(S::DEFINITION_VERSION).unwrap();
            assert!(definition.steps().zip(0..).all(is_clean));
        }
    });
}

#[tokio::test]
async fn the_result_of_a_call_is_ignored_after_an_operator_closed_the_saga() {
    let mut bench = Bench::<ErrandSaga>::start().await;
    bench.advance(Vec::new(), 2).await;
    bench.record(0, Reply::Declined).await;
    bench.operator(OperatorAction::Close).await;
    assert_eq!(bench.run().phase, Phase::Ended(SagaOutcome::Failed));
    bench.record(0, Reply::Good).await;
    assert_eq!(bench.run().phase, Phase::Ended(SagaOutcome::Failed));
}

#[tokio::test]
async fn the_result_of_an_earlier_try_is_ignored() {
    let mut bench = Bench::<Booking>::start().await;
    bench.advance(Vec::new(), 1).await;
    // Another owner had the saga in the meantime, and recorded a second intent.
    let earlier = bench.live.remove(0);
    bench.advance(Vec::new(), 1).await;
    let calling = bench.run().steps.clone();
    assert_eq!(
        (calling[1].status, calling[1].attempts),
        (StepStatus::Calling, 2)
    );
    bench.live.insert(0, earlier);
    bench.record(0, Reply::Transient).await;
    assert_eq!(bench.run().steps, calling);
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    prop::collection::vec(operation(), 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn with_a_pivot_and_parallel_steps(operations in operations()) {
        run_sequence::<Tour>(operations);
    }

    #[test]
    fn with_a_pivot_that_is_a_call(operations in operations()) {
        run_sequence::<Purchase>(operations);
    }

    #[test]
    fn without_a_pivot(operations in operations()) {
        run_sequence::<Booking>(operations);
    }

    #[test]
    fn of_retriable_steps_only(operations in operations()) {
        run_sequence::<ErrandSaga>(operations);
    }
}
