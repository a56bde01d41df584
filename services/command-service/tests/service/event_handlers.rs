//! Event handlers for operators: list, show, pause, resume, and skip the event of a parked stream.

use std::time::Duration;

use contract::proto::event_handlers_client::EventHandlersClient;
use contract::proto::{
    Error, EventHandlerActionResult, EventHandlerState, ListEventHandlersParam,
    PauseEventHandlerParam, ResumeEventHandlerParam, ShowEventHandlerParam, ShowEventHandlerResult,
    SkipHandledEventParam,
};
use domain::order::Order;
use event_sourcing::{
    Aggregate, Clock, CommandId, Commit, EncodedEvent, ExpectedVersion, Metadata, NewEvent,
    SystemClock, Write,
};
use tokio::time::{Instant, sleep};
use tonic::transport::Channel;
use tonic::{Code, Response, Status};

use crate::support::{Service, assert_conflict, assert_invalid, on_both_engines, with_command_id};

const WAIT_TIMEOUT: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(20);
const NAME: &str = "notifications";
const COMMAND: &str = "01890000-0000-7000-8000-00000000000c";

type Client = EventHandlersClient<Channel>;
type Reply = Result<Response<EventHandlerActionResult>, Status>;

/// Appends an event of an order that only a newer binary can decode. Returns its position.
async fn append_unknown(service: &Service, order: &str) -> i64 {
    let event = EncodedEvent {
        event_type: "OrderGiftWrapped",
        schema_version: 1,
        data: "{}".to_owned(),
    };
    let metadata = Metadata::default();
    let write = Write {
        stream: Order::stream(order),
        expected: ExpectedVersion::Any,
        events: vec![NewEvent { event, metadata }],
    };
    let now = SystemClock.now();
    let id = CommandId::from_parts(now, rand::random());
    let commit = Commit::try_new(id, now, vec![write], None).expect("a commit");
    let answers = service.log().append(&[commit]).await.expect("a store");
    let receipt = answers[0].as_ref().expect("accepted");
    i64::try_from(receipt.last.0).expect("a position")
}

async fn show(client: &Client) -> ShowEventHandlerResult {
    let mut client = client.clone();
    let name = NAME.to_owned();
    let shown = client.show_event_handler(ShowEventHandlerParam { name });
    shown.await.expect("an answer").into_inner()
}

async fn until(
    client: &Client,
    like: impl Fn(&ShowEventHandlerResult) -> bool,
) -> ShowEventHandlerResult {
    let deadline = Instant::now() + WAIT_TIMEOUT;
    loop {
        let shown = show(client).await;
        if like(&shown) {
            return shown;
        }
        assert!(Instant::now() < deadline, "{shown:?}");
        sleep(LOOK_EVERY).await;
    }
}

fn state(shown: &ShowEventHandlerResult) -> EventHandlerState {
    let handler = shown.event_handler.as_ref().expect("a handler");
    handler.state()
}

fn lag(shown: &ShowEventHandlerResult) -> i64 {
    shown.event_handler.as_ref().expect("a handler").lag
}

fn pause_of(name: &str) -> PauseEventHandlerParam {
    PauseEventHandlerParam {
        name: name.to_owned(),
        who: "grace".to_owned(),
        reason: "a test".to_owned(),
    }
}

fn resumption_of(stream: Option<&str>) -> ResumeEventHandlerParam {
    ResumeEventHandlerParam {
        name: NAME.to_owned(),
        stream: stream.map(str::to_owned),
        who: "grace".to_owned(),
        reason: "a test".to_owned(),
    }
}

fn skip_of(stream: &str, position: i64) -> SkipHandledEventParam {
    SkipHandledEventParam {
        name: NAME.to_owned(),
        stream: stream.to_owned(),
        position,
        who: "grace".to_owned(),
        reason: "a test".to_owned(),
    }
}

fn done(reply: Reply) -> Result<bool, Error> {
    let reply = reply.expect("an answer").into_inner();
    reply.error.map_or(Ok(reply.unchanged), Err)
}

#[tokio::test]
async fn a_handler_is_listed_paused_and_resumed() {
    on_both_engines(async |service| {
        let mut client = EventHandlersClient::new(service.channel.clone());
        until(&client, |shown| state(shown) == EventHandlerState::Running).await;
        let listed = client.list_event_handlers(ListEventHandlersParam {}).await;
        let listed = listed.expect("an answer").into_inner().event_handlers;
        let names: Vec<_> = listed.iter().map(|handler| handler.name.as_str()).collect();
        assert_eq!(names, [NAME]);

        assert_eq!(
            done(client.pause_event_handler(pause_of(NAME)).await),
            Ok(false)
        );
        assert_eq!(
            done(client.pause_event_handler(pause_of(NAME)).await),
            Ok(true)
        );
        assert_eq!(state(&show(&client).await), EventHandlerState::Paused);
        let resumed = client.resume_event_handler(resumption_of(None)).await;
        assert_eq!(done(resumed), Ok(false));
        let shown = until(&client, |shown| {
            state(shown) == EventHandlerState::Running && lag(shown) == 0
        });
        let decisions = shown.await.decisions;
        let decided: Vec<_> = decisions
            .iter()
            .map(|decision| (decision.action.as_str(), decision.who.as_str()))
            .collect();
        assert_eq!(decided, [("pause", "grace"), ("resume", "grace")]);
    })
    .await;
}

#[tokio::test]
async fn a_parked_stream_is_shown_resumed_and_its_event_skipped() {
    on_both_engines(async |service| {
        let mut client = EventHandlersClient::new(service.channel.clone());
        until(&client, |shown| state(shown) == EventHandlerState::Running).await;
        let position = append_unknown(service, "gift").await;
        let shown = until(&client, |shown| shown.parked.len() == 1 && lag(shown) == 0).await;
        let parked = &shown.parked[0];
        assert_eq!(parked.stream, "order/gift");
        assert_eq!((parked.position, parked.version), (position, 1));
        assert_eq!(parked.event_type, "OrderGiftWrapped");
        assert!(parked.reason.contains("unknown event type"), "{parked:?}");

        // The event is still unknown, so the stream is parked again.
        let first_try = parked.parked_at_micros;
        let resumed = client.resume_event_handler(resumption_of(Some("order/gift")));
        assert_eq!(done(resumed.await), Ok(false));
        until(&client, |shown| {
            let parked = shown.parked.first();
            parked.is_some_and(|parked| parked.parked_at_micros > first_try)
        })
        .await;
        let skip = || with_command_id(skip_of("order/gift", position), COMMAND);
        let skipped = client.skip_handled_event(skip()).await;
        assert_eq!(done(skipped), Ok(false));
        let shown = until(&client, |shown| shown.parked.is_empty()).await;
        // A caller that lost the reply retries, although the stream is no longer parked.
        let repeated = client.skip_handled_event(skip()).await;
        assert_eq!(done(repeated), Ok(false));
        let skip = shown.decisions.last().expect("a decision");
        assert_eq!(skip.skipped_position, Some(position));
        assert_eq!(skip.stream.as_deref(), Some("order/gift"));
    })
    .await;
}

/// Otherwise the second decision would be reported as done without any effect.
#[tokio::test]
async fn a_command_id_identifies_one_decision() {
    on_both_engines(async |service| {
        let mut client = EventHandlersClient::new(service.channel.clone());
        let pause = with_command_id(pause_of(NAME), COMMAND);
        assert_eq!(done(client.pause_event_handler(pause).await), Ok(false));
        let again = with_command_id(pause_of(NAME), COMMAND);
        assert_eq!(done(client.pause_event_handler(again).await), Ok(false));
        let other = with_command_id(resumption_of(None), COMMAND);
        assert_conflict(&done(client.resume_event_handler(other).await));
        assert_eq!(state(&show(&client).await), EventHandlerState::Paused);
    })
    .await;
}

#[tokio::test]
async fn an_invalid_decision_is_rejected_by_name() {
    on_both_engines(async |service| {
        let mut client = EventHandlersClient::new(service.channel.clone());
        until(&client, |shown| state(shown) == EventHandlerState::Running).await;
        let position = append_unknown(service, "gift").await;
        until(&client, |shown| shown.parked.len() == 1).await;
        let unknown = client.pause_event_handler(pause_of("letters")).await;
        let unknown = unknown.expect_err("no handler");
        assert_eq!(unknown.code(), Code::NotFound);
        assert!(unknown.message().contains("notifications"), "{unknown:?}");

        let rejected = |reply: Reply, field: &str| assert_invalid(&done(reply), field);
        let resumption = resumption_of(Some("order/other"));
        rejected(client.resume_event_handler(resumption).await, "stream");
        let skip = skip_of("order/other", position);
        rejected(client.skip_handled_event(skip).await, "stream");
        let skip = skip_of("order/gift", position + 1);
        rejected(client.skip_handled_event(skip).await, "position");
        let pause = PauseEventHandlerParam {
            who: String::new(),
            ..pause_of(NAME)
        };
        rejected(client.pause_event_handler(pause).await, "who");
        let pause = PauseEventHandlerParam {
            reason: " ".to_owned(),
            ..pause_of(NAME)
        };
        rejected(client.pause_event_handler(pause).await, "reason");
        assert!(show(&client).await.decisions.is_empty());
    })
    .await;
}
