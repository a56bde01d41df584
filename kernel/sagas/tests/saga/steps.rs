//! External steps as types: an engine needs a provider for each of them, and an invalid output is never dropped.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use event_sourcing::Metadata;
use metrics::set_default_local_recorder;
use sagas::event::StepCompleted;
use sagas::{
    ActionRejected, CallError, CompensationResult, EngineConfig, EngineError, ExternalStep,
    OperationKey, OperationStatus, OperatorAction, Saga, SagaDefinition, SagaEvent, SagaOutcome,
    SagaState, SagaStatus, Step, StepProvider, UndoStep, started,
};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use crate::counted::Counters;
use crate::support::{LONG, Records, TestCluster, add};
use crate::trip::{Booking, Called, FLIGHT, HOTEL, Trip, called, hold, table};

/// An even number. Any number can be serialized, and only an even one deserialized.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Even(u64);

impl<'de> Deserialize<'de> for Even {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match u64::deserialize(from)? {
            even if even % 2 == 0 => Ok(Self(even)),
            odd => Err(D::Error::custom(format!("{odd} is odd"))),
        }
    }
}

/// A call that returns an even number. In the past it returned a text.
#[derive(Clone, Copy, Debug)]
struct Counting;

impl Saga for Counting {
    const NAME: &'static str = "counting";
    const STREAM: &'static str = "counting_saga";
    type Data = Trip;
    const DEFINITIONS: &'static [SagaDefinition<Self>] =
        &[table(1, &[&[Step::external::<Count>()]])];
}

#[derive(Debug)]
struct Count;

impl ExternalStep for Count {
    const NAME: &'static str = "count";
    type Saga = Counting;
    type Request = ();
    type Response = Even;

    fn request(_data: &Trip) {}

    fn apply_output(data: &mut Trip, number: Even) {
        data.booked.push(number.0.to_string());
    }

    fn read(output: &Value) -> Result<Even, serde_json::Error> {
        match output.as_str().and_then(|text| text.parse().ok()) {
            Some(number) => Ok(Even(number)),
            None => Even::deserialize(output),
        }
    }
}

/// Returns this number.
#[derive(Debug)]
struct To(u64);

#[async_trait]
impl StepProvider<Count> for To {
    async fn act(&self, _: &OperationKey, (): &()) -> Result<Even, CallError> {
        Ok(Even(self.0))
    }

    async fn look_up(&self, _: &OperationKey) -> Result<OperationStatus<Even>, CallError> {
        Ok(OperationStatus::Done(Even(self.0)))
    }

    async fn undo(&self, _: &OperationKey, (): &()) -> Result<CompensationResult, CallError> {
        Ok(CompensationResult::NOTHING)
    }
}

fn counting(cluster: &TestCluster, owner: &str, number: u64) -> crate::support::Node {
    cluster.start(EngineConfig::new(owner), |engine| {
        let engine = engine.saga::<Counting>();
        engine.provider::<Count>(Arc::new(To(number)))
    })
}

#[tokio::test(start_paused = true)]
async fn a_response_that_cannot_be_deserialized_suspends_the_saga() {
    let cluster = TestCluster::new();
    let odd = counting(&cluster, "one", 7);
    cluster.begin::<Counting>("trip-1").await;
    let state = cluster.suspended::<Counting>("trip-1").await;
    let summary = state.summary().unwrap();
    assert_eq!(summary.status, SagaStatus::Suspended);
    let reason = "the output of step count is invalid: 7 is odd";
    assert_eq!(summary.failure.as_deref(), Some(reason));
    assert!(state.run().unwrap().data.booked.is_empty());
    // The provider is asked for the status again, and nothing is lost.
    cluster
        .act::<Counting>("trip-1", OperatorAction::Resume)
        .await
        .unwrap();
    cluster.suspended::<Counting>("trip-1").await;
    odd.stop().await;
    let even = counting(&cluster, "two", 8);
    cluster
        .act::<Counting>("trip-1", OperatorAction::Resume)
        .await
        .unwrap();
    assert_eq!(
        cluster.ended::<Counting>("trip-1").await,
        SagaOutcome::Completed
    );
    let state = cluster.state::<Counting>("trip-1").await;
    assert_eq!(state.run().unwrap().data.booked, ["8"]);
    even.stop().await;
}

/// Stores a saga with this output of its step.
async fn stored(cluster: &TestCluster, saga_id: &str, output: Value) {
    let first = started::<Counting>(saga_id, "a trip", Trip::on("a"), Metadata::default());
    let completed = SagaEvent::StepCompleted(StepCompleted {
        saga_id: saga_id.to_owned(),
        subject: "a trip".to_owned(),
        step: "count".to_owned(),
        output: Some(output),
        actor: None,
    });
    cluster
        .write::<Counting>(saga_id, &[first, completed])
        .await;
}

/// The test's runtime has one thread, which all tasks share.
#[tokio::test(start_paused = true)]
async fn an_invalid_stored_output_corrupts_its_saga_visibly_and_no_other() {
    let counters = Counters::default();
    let _recording = set_default_local_recorder(&counters);
    let cluster = TestCluster::new();
    stored(&cluster, "corrupt", json!(7)).await;
    stored(&cluster, "sound", json!(8)).await;
    stored(&cluster, "old", json!("9")).await;
    let node = counting(&cluster, "one", 2);
    for (saga_id, number) in [("sound", "8"), ("old", "9")] {
        assert_eq!(
            cluster.ended::<Counting>(saga_id).await,
            SagaOutcome::Completed
        );
        let state = cluster.state::<Counting>(saga_id).await;
        assert_eq!(state.run().unwrap().data.booked, [number]);
    }
    tokio::time::sleep(LONG).await;
    assert!(counters.count("saga_corrupt_total") > 0);
    assert_eq!(node.engine.open(), [("corrupt".into(), "counting")]);
    let state: SagaState<Counting> = cluster.aggregate("corrupt").await;
    let summary = state.summary().unwrap();
    assert_eq!(summary.status, SagaStatus::Suspended);
    let failure = summary.failure.unwrap();
    assert!(failure.starts_with("corrupt: version 2: "), "{failure}");
    assert!(failure.ends_with("7 is odd"), "{failure}");
    // Nothing is written to such a stream.
    for act in [
        OperatorAction::Resume,
        OperatorAction::Cancel,
        OperatorAction::Close,
    ] {
        let rejected = cluster.act::<Counting>("corrupt", act).await;
        assert!(
            matches!(rejected, Err(ActionRejected::Corrupt(_))),
            "{act:?}"
        );
    }
    assert_eq!(cluster.recorded::<Counting>("corrupt").await.len(), 2);
    node.stop().await;
}

/// Cancels a booking: gives up its hotel, and then its flight.
#[derive(Clone, Copy, Debug)]
struct CancelBooking;

impl Saga for CancelBooking {
    const NAME: &'static str = "cancel_booking";
    const STREAM: &'static str = "cancel_booking_saga";
    type Data = Trip;
    const DEFINITIONS: &'static [SagaDefinition<Self>] = &[table(
        1,
        &[
            &[Step::undoing::<GiveUp<HOTEL>>()],
            &[Step::undoing::<GiveUp<FLIGHT>>()],
        ],
    )];
}

#[derive(Debug)]
struct GiveUp<const CALL: usize>;

impl<const CALL: usize> UndoStep for GiveUp<CALL> {
    const NAME: &'static str = ["give_up_flight", "give_up_hotel"][CALL];
    type Saga = CancelBooking;
    type Undoes = Called<Booking, CALL>;

    fn undoes(data: &Trip) -> Option<(OperationKey, String)> {
        let step = <Self::Undoes as ExternalStep>::NAME;
        Some((OperationKey::new(&data.shelf, step, 0), String::new()))
    }
}

#[tokio::test(start_paused = true)]
async fn an_undo_step_calls_the_provider_of_the_undone_step_and_honours_its_retry_after() {
    let cluster = TestCluster::new();
    let node = cluster.start(EngineConfig::new("one"), |engine| {
        let engine = engine.saga::<CancelBooking>();
        add::<Booking>(engine, Arc::clone(&cluster.provider))
    });
    cluster.begin::<Booking>("trip-1").await;
    assert_eq!(
        cluster.ended::<Booking>("trip-1").await,
        SagaOutcome::Completed
    );
    let wait = Duration::from_secs(20);
    cluster
        .provider
        .set("hotel", crate::support::Effect::Busy(wait));
    let data = Trip::on("trip-1");
    let first = started::<CancelBooking>("cancel-1", "a trip", data, Metadata::default());
    cluster.write::<CancelBooking>("cancel-1", &[first]).await;
    let waits = |state: &SagaState<CancelBooking>| state.run().unwrap().steps[0].retry_at.is_some();
    let state = cluster.until::<CancelBooking>("cancel-1", waits).await;
    let run = state.run().unwrap();
    let pause = run.steps[0].retry_at.unwrap() - run.updated_at;
    assert!(pause.to_std().unwrap() >= wait, "{pause}");
    cluster.provider.set("hotel", crate::support::Effect::Good);
    let ended = cluster.ended::<CancelBooking>("cancel-1").await;
    assert_eq!(ended, SagaOutcome::Completed);
    for step in ["flight", "hotel"] {
        assert!(cluster.provider.count(&format!("undo trip-1/{step}/0")) > 0);
    }
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_undo_step_at_a_provider_that_does_not_know_the_action_is_suspended() {
    let cluster = TestCluster::new();
    let node = cluster.start(EngineConfig::new("one"), |engine| {
        let engine = engine.saga::<CancelBooking>();
        add::<Booking>(engine, Arc::clone(&cluster.provider))
    });
    cluster.begin::<Booking>("trip-1").await;
    let ended = cluster.ended::<Booking>("trip-1").await;
    assert_eq!(ended, SagaOutcome::Completed);
    let records = cluster.provider.replace(Records::default());
    let data = Trip::on("trip-1");
    let first = started::<CancelBooking>("cancel-1", "a trip", data, Metadata::default());
    cluster.write::<CancelBooking>("cancel-1", &[first]).await;
    let state = cluster.suspended::<CancelBooking>("cancel-1").await;
    let failure = state.summary().unwrap().failure.unwrap();
    assert!(failure.contains("does not know this action"), "{failure}");
    cluster.provider.replace(records);
    let resumed = cluster.act::<CancelBooking>("cancel-1", OperatorAction::Resume);
    resumed.await.unwrap();
    let ended = cluster.ended::<CancelBooking>("cancel-1").await;
    assert_eq!(ended, SagaOutcome::Completed);
    node.stop().await;
}

/// Books a hotel in an old version of its definition only.
#[derive(Clone, Copy, Debug)]
struct Shrunk;

impl Saga for Shrunk {
    const NAME: &'static str = "shrunk";
    const STREAM: &'static str = "shrunk_saga";
    type Data = Trip;
    const DEFINITIONS: &'static [SagaDefinition<Self>] = &[
        table(1, &[&[called::<Self, HOTEL>()]]),
        table(2, &[&[hold()]]),
    ];
}

/// Its step has another response type under the same name.
#[derive(Clone, Copy, Debug)]
struct Changed;

impl Saga for Changed {
    const NAME: &'static str = "changed";
    const STREAM: &'static str = "changed_saga";
    type Data = Trip;
    const DEFINITIONS: &'static [SagaDefinition<Self>] = &[
        table(1, &[&[called::<Self, HOTEL>()]]),
        table(2, &[&[Step::external::<HotelNumber>()]]),
    ];
}

#[derive(Debug)]
struct HotelNumber;

impl ExternalStep for HotelNumber {
    const NAME: &'static str = "hotel";
    type Saga = Changed;
    type Request = ();
    type Response = u64;

    fn request(_data: &Trip) {}
}

fn start_error<S: Saga>(cluster: &TestCluster) -> EngineError {
    let (engine, ..) = cluster.builder(EngineConfig::new("one"));
    let started = engine.saga::<S>().start();
    started.expect_err("the engine starts")
}

#[tokio::test]
async fn an_engine_does_not_start_if_a_step_of_any_version_has_no_provider() {
    let cluster = TestCluster::new();
    let missing = start_error::<Shrunk>(&cluster);
    let step = EngineError::NoProvider {
        saga: "shrunk",
        definition: 1,
        step: "hotel",
    };
    assert_eq!(missing, step);
    // An undo step needs the provider of the undone step.
    let missing = start_error::<CancelBooking>(&cluster);
    assert_eq!(
        missing.to_string(),
        "step give_up_hotel of definition 1 of saga cancel_booking has no provider"
    );
}

/// Its latest version is not the last.
#[derive(Clone, Copy, Debug)]
struct Unsorted;

impl Saga for Unsorted {
    const NAME: &'static str = "unsorted";
    const STREAM: &'static str = "unsorted_saga";
    type Data = Trip;
    const DEFINITIONS: &'static [SagaDefinition<Self>] =
        &[table(2, &[&[hold()]]), table(1, &[&[hold()]])];
}

#[tokio::test]
async fn an_engine_does_not_start_if_versions_do_not_ascend() {
    let unsorted = start_error::<Unsorted>(&TestCluster::new());
    assert_eq!(
        unsorted.to_string(),
        "definition 2 of saga unsorted is invalid: the versions of the definition do not ascend"
    );
}

#[tokio::test]
async fn an_engine_does_not_start_if_a_step_has_two_response_types() {
    let changed = start_error::<Changed>(&TestCluster::new());
    assert_eq!(
        changed.to_string(),
        "definition 1 of saga changed is invalid: step hotel returns alloc::string::String, and u64 in another \
         version; it needs another name"
    );
}
