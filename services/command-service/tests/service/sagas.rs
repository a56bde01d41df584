//! Reads of sagas: status, timeline, list.

use contract::proto::{
    GetSagaStatusParam, ListSagasParam, SagaEvent, SagaStatus, SagaStatusResult, ShowSagaParam,
};

use domain::fulfilment::OrderSaga;
use domain::order::{Order, OrderEvent};
use domain::value::EntityId;
use event_sourcing::{
    Aggregate, CommandId, Commit, DomainEvent, Envelope, ExpectedVersion, Metadata, NewEvent,
    StreamId, Version, Write,
};
use sagas::{EventOf, SagaEvent as Event, SagaState};
use uuid::Uuid;

use crate::fulfilment::{
    act_on, acted, cancellation_of, changed, listed, order_of, placed, shown, slow_payments,
    suspended, well_behaved,
};
use crate::support::{
    Service, assert_invalid, assert_not_found, assert_rejected, at_both_homes, on_both_engines,
};

impl Service {
    async fn status_of(&self, saga_id: &str) -> SagaStatusResult {
        let param = GetSagaStatusParam {
            saga_id: saga_id.to_owned(),
        };
        let reply = self.sagas.clone().get_saga_status(param).await;
        reply.expect("a reply").into_inner()
    }
}

fn names(events: &[SagaEvent]) -> Vec<String> {
    let name = |event: &SagaEvent| match &event.step {
        Some(step) => format!("{} {step}", event.event_type),
        None => event.event_type.clone(),
    };
    events.iter().map(name).collect()
}

#[tokio::test]
async fn the_old_status_call_returns_a_saga() {
    on_both_engines(async |service| {
        let tea = service.stocked("Tea", 5).await;
        let (_, saga_id) = service.confirmed(&[(&tea, 2)]).await;
        let status = service.status_of(&saga_id).await;
        assert_eq!(status.saga_id, saga_id);
        assert_eq!(status.state, "completed");
        let steps = [
            "reserve_inventory",
            "process_payment",
            "arrange_shipping",
            "confirm_order",
        ];
        assert_eq!(status.completed_steps, steps);
        assert_eq!(
            (status.current_step.as_str(), status.failure_reason.as_str()),
            ("", "")
        );
        assert!(status.started_at.is_some() && status.completed_at.is_some());
        assert_eq!(status.error, None);
        let (saga, _) = service.show(&saga_id).await.expect("a saga");
        assert_eq!(status.saga, Some(saga));

        let unknown = service.status_of("unknown").await;
        assert_not_found(&unknown.error.map_or(Ok(()), Err));
        assert_eq!((unknown.saga, unknown.state.as_str()), (None, ""));
        let invalid = service.status_of("no id").await;
        assert_invalid(&invalid.error.map_or(Ok(()), Err), "sagaId");
    })
    .await;
}

#[tokio::test]
async fn a_timeline_has_every_event_with_step_attempt_and_key() {
    on_both_engines(async |service| {
        let tea = service.stocked("Tea", 5).await;
        let (order_id, saga_id) = service.confirmed(&[(&tea, 2)]).await;
        let (saga, events) = service.show(&saga_id).await.expect("a saga");
        let expected = [
            "SagaStarted",
            "SagaStepCompleted reserve_inventory",
            "SagaStepStarted process_payment",
            "SagaStepCompleted process_payment",
            "SagaStepStarted arrange_shipping",
            "SagaStepCompleted arrange_shipping",
            "SagaStepCompleted confirm_order",
            "SagaCompleted",
        ];
        assert_eq!(names(&events), expected);
        let versions: Vec<i64> = events.iter().map(|event| event.version).collect();
        assert_eq!(versions, [1, 2, 3, 4, 5, 6, 7, 8]);
        assert!(events.is_sorted_by_key(|event| event.position));
        assert_eq!((saga.version, saga.definition), (8, 1));
        assert_eq!(saga.order_id, order_id);
        let call = &events[2];
        assert_eq!((call.attempt, call.undo), (Some(1), false));
        let key = call.key.as_deref().expect("a key");
        assert!(key.starts_with(&saga_id), "{key}");
        assert!(call.deadline.is_some());
        assert_eq!(events[3].key, None);

        let param = |after_version| ShowSagaParam {
            order_id: order_id.clone(),
            after_version,
            ..ShowSagaParam::default()
        };
        let rest = shown(service.sagas.clone().show_saga(param(6)).await).expect("a saga");
        assert_eq!(rest.events, events[6..]);
        let none = shown(service.sagas.clone().show_saga(param(8)).await).expect("a saga");
        assert_eq!((none.events.len(), none.more), (0, false));
    })
    .await;
}

#[tokio::test]
async fn an_invalid_show_request_is_rejected_by_name() {
    on_both_engines(async |service| {
        let show = async |saga_id: &str, order_id: &str, after_version| {
            let param = ShowSagaParam {
                saga_id: saga_id.to_owned(),
                order_id: order_id.to_owned(),
                after_version,
            };
            shown(service.sagas.clone().show_saga(param).await)
        };
        assert_not_found(&show("unknown", "", 0).await);
        let no_order = show("", "unknown", 0).await;
        assert_not_found(&no_order);
        let message = no_order.expect_err("a rejection").message;
        assert_eq!(message, "order unknown does not exist");
        assert_invalid(&show("", "", 0).await, "sagaId");
        assert_invalid(&show("one", "other", 0).await, "sagaId");
        assert_invalid(&show("one", "", -1).await, "afterVersion");
        assert_invalid(&show("\0", "", 0).await, "sagaId");
        assert_invalid(&show("", "a b", 0).await, "orderId");
    })
    .await;
}

#[tokio::test]
async fn the_list_has_the_open_sagas_that_match() {
    at_both_homes(async |home| {
        let service = home.start_like(&slow_payments()).await;
        let tea = service.stocked("Tea", 100).await;
        let mut placed_ids = Vec::new();
        for _ in 0..3 {
            let reply = service
                .sagas
                .clone()
                .start_order_saga(order_of(&[(&tea, 1)]))
                .await;
            placed_ids.push(placed(reply).expect("an order").saga_id);
        }
        for saga_id in &placed_ids {
            let paying = |saga: &contract::proto::Saga| saga.current_step() == "process_payment";
            service.until_saga(saga_id, paying).await;
        }
        placed_ids.reverse();
        let all = service.until_listed(&ListSagasParam::default(), 3).await;
        let ids: Vec<_> = all.iter().map(|saga| saga.id.clone()).collect();
        assert_eq!(ids, placed_ids, "the latest first");

        let wanted = |change: fn(&mut ListSagasParam)| {
            let mut param = ListSagasParam::default();
            change(&mut param);
            param
        };
        let counts = [
            (wanted(|p| p.statuses = vec![SagaStatus::Running.into()]), 3),
            (
                wanted(|p| p.statuses = vec![SagaStatus::Suspended.into()]),
                0,
            ),
            (
                wanted(|p| p.statuses = vec![SagaStatus::Completed.into()]),
                0,
            ),
            (wanted(|p| p.r#type = Some("order".to_owned())), 3),
            (wanted(|p| p.r#type = Some("cancel_order".to_owned())), 0),
            (wanted(|p| p.step = Some("process_payment".to_owned())), 3),
            (wanted(|p| p.step = Some("confirm_order".to_owned())), 0),
            (wanted(|p| p.min_age_ms = Some(0)), 3),
            (wanted(|p| p.min_age_ms = Some(3_600_000)), 0),
            (wanted(|p| p.limit = 2), 2),
        ];
        for (param, count) in &counts {
            let reply = service.sagas.clone().list_sagas(param.clone()).await;
            let found = listed(reply).expect("a list").sagas.len();
            assert_eq!(found, *count, "{param:?}");
        }

        let mut paged = Vec::new();
        let mut param = wanted(|p| p.limit = 2);
        loop {
            let reply = service.sagas.clone().list_sagas(param.clone()).await;
            let page = listed(reply).expect("a page");
            paged.extend(page.sagas.into_iter().map(|saga| saga.id));
            if page.next.is_empty() {
                break;
            }
            param.after = page.next;
        }
        assert_eq!(paged, placed_ids, "page after page, each once");
        service.leave().await;
    })
    .await;
}

/// Makes one field of a list request invalid.
type Spoil = fn(&mut ListSagasParam);

#[tokio::test]
async fn an_invalid_list_request_is_rejected_by_name() {
    on_both_engines(async |service| {
        let cases: [(&str, Spoil); 8] = [
            ("statuses", |p| p.statuses = vec![0]),
            ("statuses", |p| p.statuses = vec![1, 99]),
            ("type", |p| p.r#type = Some("refund".to_owned())),
            ("type", |p| p.r#type = Some(String::new())),
            ("limit", |p| p.limit = -1),
            ("limit", |p| p.limit = 501),
            ("minAgeMs", |p| p.min_age_ms = Some(-1)),
            ("minAgeMs", |p| p.min_age_ms = Some(i64::MAX)),
        ];
        for (field, spoil) in cases {
            let mut param = ListSagasParam::default();
            spoil(&mut param);
            let reply = service.sagas.clone().list_sagas(param).await;
            assert_invalid(&listed(reply), field);
        }
    })
    .await;
}

#[tokio::test]
async fn ended_sagas_leave_the_list_and_suspended_ones_stay_across_a_restart() {
    at_both_homes(async |home| {
        let (service, order_id, saga_id) = suspended(home).await;
        let all = service.until_listed(&ListSagasParam::default(), 1).await;
        assert_eq!(
            (all[0].id.as_str(), all[0].order_id.as_str()),
            (&*saga_id, &*order_id)
        );
        assert_eq!(all[0].status(), SagaStatus::Suspended);
        assert_eq!(all[0].current_step(), "refund_payment");
        assert_eq!(all[0].attempts, 10);
        service.stop().await;
        let service = home.start_like(&well_behaved()).await;
        let again = service.until_listed(&ListSagasParam::default(), 1).await;
        assert_eq!(again, all, "a restart does not change suspended sagas");
        service.stop().await;
    })
    .await;
}

/// The first event of a stream.
async fn first_of(service: &Service, stream: &StreamId) -> Envelope {
    let page = service.log().read_stream(stream, Version::NONE, 1).await;
    page.expect("a page").events.remove(0)
}

/// Appends the first event of a new stream, as a newer binary would.
async fn append<A: Aggregate>(service: &Service, id: &str, like: &Envelope, first: A::Event) {
    let write = Write {
        stream: A::stream(id),
        expected: ExpectedVersion::NoStream,
        events: vec![NewEvent {
            event: first.encode(),
            metadata: Metadata::default(),
        }],
    };
    let commit = Commit::try_new(
        CommandId(Uuid::new_v5(&Uuid::NAMESPACE_URL, id.as_bytes())),
        like.recorded_at,
        vec![write],
        None,
    );
    let answers = service.log().append(&[commit.expect("a commit")]).await;
    let answers = answers.expect("an answer");
    assert!(answers[0].is_ok(), "{answers:?}");
}

/// Starts a saga like `saga_id` with version 99 of the definition.
async fn start_unsupported(service: &Service, saga_id: &str, id: &str) {
    type Fulfil = SagaState<OrderSaga>;
    let like = first_of(service, &Fulfil::stream(saga_id)).await;
    let mut first = like.decode::<EventOf<OrderSaga>>().expect("an event");
    if let Event::Started(started) = &mut first {
        (started.saga_id, started.definition) = (id.to_owned(), 99);
    }
    append::<Fulfil>(service, id, &like, first).await;
}

/// Creates an order like `order_id` with this saga.
async fn create_order(service: &Service, order_id: &str, id: &str, saga_id: &str) {
    let like = first_of(service, &Order::stream(order_id)).await;
    let mut first = like.decode::<OrderEvent>().expect("an event");
    if let OrderEvent::Created(created) = &mut first {
        created.order_id = EntityId::parse("id", id).expect("an id");
        created.saga_id = EntityId::parse("id", saga_id).expect("an id");
    }
    append::<Order>(service, id, &like, first).await;
}

#[tokio::test]
async fn an_order_whose_saga_is_of_an_unsupported_definition_is_not_half_cancelled() {
    on_both_engines(async |service| {
        let tea = service.stocked("Tea", 5).await;
        let (order_id, like) = service.confirmed(&[(&tea, 1)]).await;
        start_unsupported(service, &like, "newer-saga").await;
        create_order(service, &order_id, "newer-order", "newer-saga").await;
        let mut orders = service.orders.clone();
        let cancelled = changed(orders.cancel(cancellation_of("newer-order")).await);
        assert_rejected(&cancelled, "DOMAIN_ERROR", 9);
        assert_eq!(
            cancelled.expect_err("a rejection").message,
            "order newer-order cannot be cancelled now: \
             its saga has unsupported definition version 99; supported: 1"
        );
        for stream in [
            Order::stream("newer-order"),
            SagaState::<OrderSaga>::stream("newer-saga"),
        ] {
            let page = service.log().read_stream(&stream, Version::NONE, 10).await;
            assert_eq!(page.expect("a page").events.len(), 1, "{stream}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_saga_of_an_unsupported_definition_is_listed_and_shown_as_such() {
    on_both_engines(async |service| {
        let tea = service.stocked("Tea", 5).await;
        let (order_id, like) = service.confirmed(&[(&tea, 1)]).await;
        start_unsupported(service, &like, "of-a-newer-binary").await;
        let all = service.until_listed(&ListSagasParam::default(), 1).await;
        let (saga, events) = service.show("of-a-newer-binary").await.expect("a saga");
        assert_eq!(all, std::slice::from_ref(&saga));
        assert_eq!((saga.order_id.as_str(), saga.definition), (&*order_id, 99));
        assert_eq!(saga.supported_definitions, [1]);
        assert_eq!(saga.status(), SagaStatus::Suspended);
        assert_eq!(saga.current_step, None);
        assert_eq!(
            saga.failure_reason(),
            "unsupported definition version 99; supported: 1"
        );
        assert_eq!(names(&events), ["SagaStarted"]);
        let supported = service.show(&like).await.expect("a saga").0;
        assert!(supported.supported_definitions.is_empty());

        let mut sagas = service.sagas.clone();
        let resumed = acted(sagas.resume_saga(act_on("of-a-newer-binary")).await);
        assert_rejected(&resumed, "DOMAIN_ERROR", 9);
        assert_eq!(
            resumed.expect_err("a rejection").message,
            "unsupported definition version 99; supported: 1: \
             act on the saga through a service that has this version"
        );
    })
    .await;
}
