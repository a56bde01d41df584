//! Operators' actions on sagas: each is executed once, stored with actor and reason, and rejected where it does not
//! apply.

use contract::proto::{
    Error, OrderStatus, ResolveSagaParam, Saga, SagaActionParam, SagaEvent, SagaStatus,
};
use platform::config::Engine;

use crate::fulfilment::{
    act_on, acted, cancellation_of, changed, resolution_of, slow_payments, suspended, to,
    well_behaved,
};
use crate::support::{
    Home, Service, assert_conflict, assert_invalid, assert_not_found, assert_rejected,
    at_both_homes, with_command_id,
};

const COMMAND: &str = "01890000-0000-7000-8000-00000000000a";

#[derive(Clone, Copy, Debug, PartialEq)]
enum Action {
    Resume,
    Retry,
    Cancel,
    Resolve,
    Close,
}

const ACTIONS: [Action; 5] = [
    Action::Resume,
    Action::Retry,
    Action::Cancel,
    Action::Resolve,
    Action::Close,
];

impl Service {
    async fn act(&self, action: Action, param: SagaActionParam) -> Result<(Saga, bool), Error> {
        let resolution = ResolveSagaParam {
            close: action == Action::Close,
            saga_id: param.saga_id.clone(),
            who: param.who.clone(),
            reason: param.reason.clone(),
        };
        let mut sagas = self.sagas.clone();
        acted(match action {
            Action::Resume => sagas.resume_saga(param).await,
            Action::Retry => sagas.retry_saga(param).await,
            Action::Cancel => sagas.cancel_saga(param).await,
            Action::Resolve | Action::Close => sagas.resolve_saga(resolution).await,
        })
    }

    /// Cancelling a cancelled order succeeds without an event.
    async fn assert_cancelled(&self, order_id: &str) {
        let reply = self.orders.clone().cancel(cancellation_of(order_id)).await;
        let (order, unchanged) = changed(reply).expect("cancelled already");
        assert_eq!((order.status(), unchanged), (OrderStatus::Cancelled, true));
    }

    /// The events of a saga that operators caused.
    async fn by_operators(&self, saga_id: &str) -> Vec<SagaEvent> {
        let (_, mut events) = self.show(saga_id).await.expect("a saga");
        events.retain(|event| event.who.is_some());
        events
    }
}

#[track_caller]
fn assert_by_grace(event: &SagaEvent, event_type: &str, action: Option<&str>) {
    assert_eq!(event.event_type, event_type);
    assert_eq!((event.who(), event.why()), ("grace", "it is time"));
    assert_eq!(event.action.as_deref(), action);
}

#[track_caller]
fn assert_state(result: &Result<(Saga, bool), Error>, message: &str) {
    assert_rejected(result, "DOMAIN_ERROR", 9);
    assert_eq!(result.as_ref().expect_err("a rejection").message, message);
}

#[tokio::test]
async fn a_resumed_saga_starts_counting_attempts_again() {
    at_both_homes(async |home| {
        let (service, order_id, saga_id) = suspended(home).await;
        let before = service.until(&saga_id, SagaStatus::Suspended).await;
        let resumed = service.act(Action::Resume, act_on(&saga_id)).await;
        let (saga, unchanged) = resumed.expect("resumed");
        assert_eq!((saga.status(), unchanged), (SagaStatus::Running, false));
        assert_eq!(saga.version, before.version + 1);
        // The provider is still unavailable.
        let again =
            |saga: &Saga| saga.status() == SagaStatus::Suspended && saga.version > before.version;
        let after = service.until_saga(&saga_id, again).await;
        assert_eq!(after.attempts, 10);
        let actions = service.by_operators(&saga_id).await;
        assert_by_grace(&actions[0], "SagaResumed", Some("resume"));
        service.stop().await;

        let service = home.start_like(&well_behaved()).await;
        let resumed = service.act(Action::Resume, act_on(&saga_id)).await;
        resumed.expect("resumed");
        service.until(&saga_id, SagaStatus::Completed).await;
        service.assert_cancelled(&order_id).await;
        service.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_retry_makes_one_attempt() {
    at_both_homes(async |home| {
        let (service, _, saga_id) = suspended(home).await;
        let before = service.until(&saga_id, SagaStatus::Suspended).await;
        let retried = service.act(Action::Retry, act_on(&saga_id)).await;
        retried.expect("a retry");
        let again =
            |saga: &Saga| saga.status() == SagaStatus::Suspended && saga.version > before.version;
        service.until_saga(&saga_id, again).await;
        let (_, events) = service.show(&saga_id).await.expect("a saga");
        let behind = events.iter().filter(|event| event.version > before.version);
        let calls = behind.filter(|event| event.event_type == "SagaStepStarted");
        assert_eq!(calls.count(), 1);
        let actions = service.by_operators(&saga_id).await;
        assert_by_grace(&actions[0], "SagaResumed", Some("retry"));
        service.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_step_that_was_done_manually_counts_as_completed() {
    at_both_homes(async |home| {
        let (service, order_id, saga_id) = suspended(home).await;
        let resolved = service.act(Action::Resolve, act_on(&saga_id)).await;
        resolved.expect("resolved");
        let saga = service.until(&saga_id, SagaStatus::Completed).await;
        let steps = ["cancel_shipping", "refund_payment", "release_inventory"];
        assert_eq!(saga.completed_steps, steps);
        let actions = service.by_operators(&saga_id).await;
        assert_by_grace(&actions[0], "SagaResumed", Some("resolve"));
        assert_by_grace(&actions[1], "SagaStepCompleted", None);
        assert_eq!(actions[1].step(), "refund_payment");
        service.assert_cancelled(&order_id).await;
        service.stop().await;
    })
    .await;
}

#[tokio::test]
async fn closing_a_saga_fails_it_with_its_order_permanently() {
    at_both_homes(async |home| {
        let (service, order_id, saga_id) = suspended(home).await;
        let closed = service.act(Action::Close, act_on(&saga_id)).await;
        let (saga, _) = closed.expect("closed");
        assert_eq!(saga.status(), SagaStatus::Failed);
        assert!(saga.completed_at.is_some());
        let actions = service.by_operators(&saga_id).await;
        assert_by_grace(&actions[0], "SagaFailed", None);
        for action in ACTIONS {
            let rejected = service.act(action, act_on(&saga_id)).await;
            if action == Action::Cancel {
                let message = format!("order {order_id} is FAILED and cannot be cancelled");
                assert_state(&rejected, &message);
            } else {
                assert_state(&rejected, "the saga has ended");
            }
        }
        assert_eq!(service.by_operators(&saga_id).await.len(), 1);
        service.stop().await;
    })
    .await;
}

#[tokio::test]
async fn actions_on_a_saga_that_is_not_suspended_are_rejected() {
    at_both_homes(async |home| {
        let service = home.start_like(&slow_payments()).await;
        let tea = service.stocked("Tea", 5).await;
        let (_, saga_id) = service.place(&[(&tea, 1)]).await;
        let paying = |saga: &Saga| saga.current_step() == "process_payment";
        let before = service.until_saga(&saga_id, paying).await;
        for action in [Action::Resume, Action::Resolve, Action::Close] {
            let rejected = service.act(action, act_on(&saga_id)).await;
            assert_state(&rejected, "the saga is not suspended");
        }
        let rejected = service.act(Action::Retry, act_on(&saga_id)).await;
        assert_state(&rejected, "no step waits for another try");
        let (after, _) = service.show(&saga_id).await.expect("a saga");
        assert_eq!(after.version, before.version, "nothing was written");
        service.leave().await;
    })
    .await;
}

#[tokio::test]
async fn an_operator_cancels_an_order_by_its_saga() {
    at_both_homes(async |home| {
        let service = home.start_like(&slow_payments()).await;
        let tea = service.stocked("Tea", 5).await;
        let (_, saga_id) = service.place(&[(&tea, 1)]).await;
        let cancelled = service.act(Action::Cancel, act_on(&saga_id)).await;
        let (saga, unchanged) = cancelled.expect("a cancellation");
        assert_eq!((saga.id.as_str(), unchanged), (saga_id.as_str(), false));
        let actions = service.by_operators(&saga_id).await;
        assert_by_grace(&actions[0], "SagaCancelRequested", None);
        let again = service.act(Action::Cancel, act_on(&saga_id)).await;
        assert!(again.expect("a repeated request").1);
        service.leave().await;
    })
    .await;
}

#[tokio::test]
async fn cancelling_a_completed_saga_returns_the_saga_that_compensates_it() {
    at_both_homes(async |home| {
        let service = home.start_like(&well_behaved()).await;
        let tea = service.stocked("Tea", 5).await;
        let (order_id, saga_id) = service.confirmed(&[(&tea, 1)]).await;
        let cancelled = service.act(Action::Cancel, act_on(&saga_id)).await;
        let (saga, _) = cancelled.expect("a cancellation");
        assert_eq!(
            (saga.r#type.as_str(), &saga.order_id),
            ("cancel_order", &order_id)
        );
        service.until(&saga.id, SagaStatus::Completed).await;

        let (order_id, saga_id) = service.confirmed(&[(&tea, 1)]).await;
        changed(service.orders.clone().ship(to(&order_id)).await).expect("a shipment");
        let rejected = service.act(Action::Cancel, act_on(&saga_id)).await;
        let message = format!("order {order_id} is SHIPPED and cannot be cancelled");
        assert_state(&rejected, &message);
        service.stop().await;
    })
    .await;
}

#[tokio::test]
async fn an_action_on_an_unknown_saga_or_without_an_actor_is_rejected() {
    at_both_homes(async |home| {
        let service = home.start().await;
        for action in ACTIONS {
            let unknown = service.act(action, act_on("unknown")).await;
            assert_not_found(&unknown);
            let message = unknown.expect_err("a rejection").message;
            assert_eq!(message, "saga unknown does not exist");
            let spoilt = async |spoil: fn(&mut SagaActionParam), field| {
                let mut param = act_on("unknown");
                spoil(&mut param);
                assert_invalid(&service.act(action, param).await, field);
            };
            spoilt(|param| param.saga_id = "a b".to_owned(), "sagaId").await;
            spoilt(|param| param.who.clear(), "who").await;
            spoilt(|param| param.reason = " \t".to_owned(), "reason").await;
            spoilt(|param| param.reason = "\0".to_owned(), "reason").await;
        }
        assert_eq!(service.head().await, 0, "nothing was written");
        service.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_repeated_action_returns_the_first_reply() {
    at_both_homes(async |home| {
        let (service, _, saga_id) = suspended(home).await;
        let resolve = async || {
            let request = with_command_id(resolution_of(&saga_id, false), COMMAND);
            acted(service.sagas.clone().resolve_saga(request).await).expect("resolved")
        };
        let first = resolve().await;
        service.until(&saga_id, SagaStatus::Completed).await;
        assert_eq!(
            resolve().await,
            first,
            "the saga is still running in the first reply"
        );
        assert_eq!(service.by_operators(&saga_id).await.len(), 2);
        let reused = with_command_id(cancellation_of(&first.0.order_id), COMMAND);
        assert_conflict(&changed(service.orders.clone().cancel(reused).await));
        service.stop().await;
    })
    .await;
}

/// Two processes on one event store: both return the current state, whatever their caches contain.
#[tokio::test]
async fn another_process_shows_the_effect_of_an_action() {
    let home = Home::new(Engine::Postgres).await;
    let (here, order_id, saga_id) = suspended(&home).await;
    let there = home.start_like(&well_behaved()).await;
    let (before, _) = there.show(&saga_id).await.expect("a saga");
    assert_eq!(before.status(), SagaStatus::Suspended);
    let closed = here.act(Action::Close, act_on(&saga_id)).await;
    let (closed, _) = closed.expect("closed");
    let (after, events) = there.show(&saga_id).await.expect("a saga");
    assert_eq!(after, closed);
    assert_eq!(
        events.last().map(|event| event.event_type.as_str()),
        Some("SagaFailed")
    );
    assert_eq!(there.latest_saga(&order_id).await, saga_id);
    there.stop().await;
    here.stop().await;
}
