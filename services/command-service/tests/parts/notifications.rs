//! Notifications to customers about the events of their orders.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use async_trait::async_trait;
use command_service::handlers::OrderNotifications;
use domain::order::{
    Order, OrderCancelled, OrderConfirmed, OrderCreated, OrderEvent, OrderShipped,
};
use domain::value::{EntityId, Money, Reason, UserId};
use event_sourcing::handler::{HandlerConfig, HandlerParts, HandlerRunner, filter_of};
use event_sourcing::{
    Aggregate, Clock, CommandId, Commit, DomainEvent, EncodedEvent, EventStore, Executor,
    ExecutorConfig, ExpectedVersion, LeaseStore, MemoryEventStore, Metadata, NewEvent, Position,
    StoredEvent, SystemClock, Write,
};
use providers::{Notification, NotificationKind, Notifications};
use sagas::{CallError, OperationKey};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::support::{Home, WAIT_TIMEOUT, on_both_engines};

/// Records notifications, after a configured number of failures.
#[derive(Debug)]
struct Recorder {
    sent: mpsc::UnboundedSender<(OperationKey, Notification)>,
    failures: AtomicU8,
}

#[async_trait]
impl Notifications for Recorder {
    async fn send(&self, key: &OperationKey, notice: &Notification) -> Result<(), CallError> {
        let sent = (key.clone(), notice.clone());
        self.sent.send(sent).expect("a listener");
        let failing = self
            .failures
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            });
        failing.map_or(Ok(()), |_| Err(CallError::transient("not now")))
    }
}

pub struct Post {
    store: Arc<MemoryEventStore>,
    sent: mpsc::UnboundedReceiver<(OperationKey, Notification)>,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

impl Post {
    /// Starts the handler on a log, as a process does.
    pub async fn open(home: &Home, store: &Arc<MemoryEventStore>, failures: u8) -> Self {
        let events = Arc::clone(store) as Arc<dyn EventStore>;
        let (sender, sent) = mpsc::unbounded_channel();
        let notices = notices(&events, sender, failures);
        let parts = HandlerParts {
            log: events,
            leases: Arc::clone(store) as Arc<dyn LeaseStore>,
            store: Arc::new(home.database().await.event_handlers().clone()),
            clock: Arc::new(SystemClock),
        };
        let runner = HandlerRunner::new(notices, parts, HandlerConfig::new("test"));
        let stop = CancellationToken::new();
        let running = tokio::spawn(runner.run(stop.clone()));
        Self {
            store: Arc::clone(store),
            sent,
            stop,
            running,
        }
    }

    pub async fn next(&mut self) -> (OperationKey, Notification) {
        let sent = timeout(WAIT_TIMEOUT, self.sent.recv()).await;
        sent.expect("a notification in time")
            .expect("a notification")
    }

    /// The first notification of a log. A new handler ignores events before its first start, so orders are confirmed
    /// until one is handled.
    pub async fn first(&mut self) -> (OperationKey, Notification) {
        loop {
            append(&self.store, "a", &[created("a"), confirmed("a")]).await;
            if let Ok(Some(sent)) = timeout(WAIT_TIMEOUT / 40, self.sent.recv()).await {
                return sent;
            }
        }
    }

    pub async fn close(self) -> Arc<MemoryEventStore> {
        self.stop.cancel();
        timeout(WAIT_TIMEOUT, self.running)
            .await
            .expect("an end in time")
            .expect("no panic");
        self.store
    }
}

fn notices(
    events: &Arc<dyn EventStore>,
    sent: mpsc::UnboundedSender<(OperationKey, Notification)>,
    failures: u8,
) -> OrderNotifications {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (executor, _tasks) = Executor::start(Arc::clone(events), clock, ExecutorConfig::default());
    OrderNotifications {
        executor: Arc::new(executor),
        notifications: Arc::new(Recorder {
            sent,
            failures: AtomicU8::new(failures),
        }),
    }
}

fn id(text: &str) -> EntityId {
    EntityId::parse("id", text).expect("an id")
}

pub fn created(order: &str) -> OrderEvent {
    OrderEvent::Created(OrderCreated {
        order_id: id(order),
        saga_id: id("saga"),
        user_id: UserId::parse("userId", "mika@example.org").expect("a user"),
        items: Vec::new(),
        total: Money::from_cents(1_990),
        shipping_address: None,
    })
}

pub fn confirmed(order: &str) -> OrderEvent {
    OrderEvent::Confirmed(OrderConfirmed {
        order_id: id(order),
    })
}

pub async fn append(store: &MemoryEventStore, order: &str, events: &[OrderEvent]) {
    append_encoded(store, order, events.iter().map(OrderEvent::encode)).await;
}

async fn append_encoded(
    store: &MemoryEventStore,
    order: &str,
    events: impl IntoIterator<Item = EncodedEvent>,
) {
    let events = events.into_iter().map(|event| NewEvent {
        event,
        metadata: Metadata::default(),
    });
    let write = Write {
        stream: Order::stream(order),
        expected: ExpectedVersion::Any,
        events: events.collect(),
    };
    let now = SystemClock.now();
    let command = CommandId::from_parts(now, rand::random());
    let commit = Commit::try_new(command, now, vec![write], None).expect("a commit");
    let answers = store.append(&[commit]).await.expect("a store");
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
}

pub fn log() -> Arc<MemoryEventStore> {
    Arc::new(MemoryEventStore::new(Arc::new(SystemClock)))
}

#[tokio::test]
async fn only_events_that_customers_are_notified_of_are_read() {
    let events = log() as Arc<dyn EventStore>;
    let (sent, _) = mpsc::unbounded_channel();
    let filter = filter_of(&notices(&events, sent, 0));
    let read = OrderEvent::TYPES.iter().copied();
    let read: Vec<_> = read
        .filter(|name| filter.matches(Order::TYPE, name))
        .collect();
    let notified = [
        "OrderConfirmed",
        "OrderShipped",
        "OrderDelivered",
        "OrderCancelled",
    ];
    assert_eq!(read, notified);
    assert!(filter.matches(Order::TYPE, "OrderReturned"), "unknown");
}

#[tokio::test]
async fn customers_are_notified_once_also_across_a_restart() {
    on_both_engines(async |home| {
        let mut post = Post::open(home, &log(), 0).await;
        post.first().await;
        append(&post.store, "b", &[created("b"), confirmed("b")]).await;
        let notice = loop {
            let (_, notice) = post.next().await;
            if notice.order_id == id("b") {
                break notice;
            }
        };
        assert_eq!(notice.user_id.as_str(), "mika@example.org");
        let total = Money::from_cents(1_990);
        let expected = NotificationKind::Confirmed {
            total,
            tracking_number: None,
        };
        assert_eq!(notice.kind, expected);
        let store = post.close().await;

        let shipped = OrderEvent::Shipped(OrderShipped { order_id: id("b") });
        append(&store, "b", &[shipped]).await;
        let mut post = Post::open(home, &store, 0).await;
        let (_, notice) = post.next().await;
        assert_eq!(
            notice.kind.name(),
            "shipped",
            "the confirmation is not repeated after a restart"
        );
        let reason = Some(Reason::shortened("the card was declined"));
        let cancelled = OrderEvent::Cancelled(OrderCancelled {
            order_id: id("c"),
            reason,
        });
        append(&store, "c", &[created("c"), cancelled]).await;
        let (_, notice) = post.next().await;
        let reason = "the card was declined".to_owned();
        assert_eq!(notice.kind, NotificationKind::Cancelled { reason });
        post.close().await;
    })
    .await;
}

#[tokio::test]
async fn an_unreadable_event_does_not_prevent_notifications_of_other_orders() {
    on_both_engines(async |home| {
        let mut post = Post::open(home, &log(), 0).await;
        post.first().await;
        let head = post.store.head().await.expect("a head").0;
        post.store
            .damage(Position(head + 2), "its metadata cannot be read");
        append(&post.store, "b", &[created("b"), confirmed("b")]).await;
        let unknown = EncodedEvent {
            event_type: "OrderGiftWrapped",
            schema_version: 1,
            data: "{}".to_owned(),
        };
        append_encoded(&post.store, "c", [unknown]).await;
        append(&post.store, "d", &[created("d"), confirmed("d")]).await;
        loop {
            let (_, notice) = post.next().await;
            assert!(notice.order_id == id("a") || notice.order_id == id("d"));
            if notice.order_id == id("d") {
                break;
            }
        }
        post.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_new_handler_does_not_notify_about_old_orders() {
    on_both_engines(async |home| {
        let store = log();
        append(&store, "old", &[created("old"), confirmed("old")]).await;
        let mut post = Post::open(home, &store, 0).await;
        let (_, notice) = post.first().await;
        assert_eq!(notice.order_id, id("a"));
        post.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_failed_notification_is_retried_with_the_same_key() {
    on_both_engines(async |home| {
        let mut post = Post::open(home, &log(), 1).await;
        let (first, _) = post.first().await;
        while post.next().await.0 != first {}
        post.close().await;
    })
    .await;
}
