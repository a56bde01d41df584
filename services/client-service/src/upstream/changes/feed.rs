//! One stream of changes for all subscriptions of the process.
//!
//! ```text
//! no listener ──first listener──► connecting ──first message──► following ──stream lost──► interrupted
//!      ▲                                                          ▲  │                        │
//!      └───────────────── the last listener has left ─────────────┼──┘      resumed at its    │
//!                                                                 └────────position───────────┘
//! ```
//!
//! Without listeners there is no stream. An interruption longer than [`INTERRUPTION_TIMEOUT`], a parked projection, or a log
//! that became shorter fails all listeners: their clients get the reason, and may subscribe again at their position.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use contract::query::{ChangeKind, FollowChangesRequest};
use contract::status::Reason;
use event_sourcing::{Backoff, FailureLog};
use graphql_http::{ApiError, Code, NOT_AVAILABLE, Origin};
use grpc_calls::Effect;
use parking_lot::Mutex;
use platform::{Tasks, fields};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout, timeout_at};
use tonic::Status;

use super::super::services::Services;
use super::listener::{Listener, Queue};
use super::page::{ended, notice};
use super::selection::Selection;
use super::source::Source;
use crate::errors::from_grpc;

/// How long subscriptions wait for a lost stream before they fail.
const INTERRUPTION_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a new subscription waits for the stream.
const START_TIMEOUT: Duration = Duration::from_secs(5);
const OPEN_TIMEOUT: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// The feeds of all sources.
#[derive(Clone, Debug)]
pub struct Feeds([Arc<Feed>; 3]);

/// The changes of one source.
#[derive(Debug)]
pub struct Feed {
    source: Source,
    services: Services,
    listeners: Mutex<Listeners>,
    /// The position up to which all changes were passed to the listeners; `None` while there is no stream.
    position: watch::Sender<Option<u64>>,
    /// There is a first listener, or the last one has left.
    changed: Notify,
    failures: FailureLog,
}

#[derive(Debug, Default)]
struct Listeners {
    next_id: u64,
    queues: HashMap<u64, Arc<Queue>>,
    /// The listeners of all entities.
    of_kind: HashMap<ChangeKind, Vec<u64>>,
    /// The listeners of certain entities.
    of_entity: HashMap<ChangeKind, HashMap<String, Vec<u64>>>,
}

impl Listeners {
    fn add(&mut self, selection: &Selection, queue: &Arc<Queue>) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.queues.insert(id, Arc::clone(queue));
        match &selection.ids {
            None => self.of_kind.entry(selection.kind).or_default().push(id),
            Some(ids) => {
                let of_entity = self.of_entity.entry(selection.kind).or_default();
                for entity in ids {
                    of_entity.entry(entity.clone()).or_default().push(id);
                }
            }
        }
        id
    }

    fn remove(&mut self, selection: &Selection, id: u64) {
        self.queues.remove(&id);
        match &selection.ids {
            None => {
                if let Some(ids) = self.of_kind.get_mut(&selection.kind) {
                    ids.retain(|known| *known != id);
                }
            }
            Some(ids) => {
                let of_entity = self.of_entity.entry(selection.kind).or_default();
                for entity in ids {
                    if let Some(ids) = of_entity.get_mut(entity) {
                        ids.retain(|known| *known != id);
                        if ids.is_empty() {
                            of_entity.remove(entity);
                        }
                    }
                }
            }
        }
    }

    fn of(&self, kind: ChangeKind, entity: &str) -> impl Iterator<Item = &Arc<Queue>> {
        let of_all = self.of_kind.get(&kind).into_iter().flatten();
        let of_entity = self.of_entity.get(&kind).and_then(|all| all.get(entity));
        let ids = of_all.chain(of_entity.into_iter().flatten());
        ids.filter_map(|id| self.queues.get(id))
    }
}

impl Feeds {
    /// Starts the feeds; they run until `tasks` stop.
    pub fn start(services: &Services, tasks: &Tasks) -> Self {
        Self(Source::ALL.map(|source| {
            let feed = Arc::new(Feed {
                source,
                services: services.clone(),
                listeners: Mutex::default(),
                position: watch::Sender::new(None),
                changed: Notify::new(),
                failures: FailureLog::new(),
            });
            let (running, stopping) = (Arc::clone(&feed), tasks.stopping());
            let name = format!("changes of {}", source.name());
            tasks.spawn(name, async move {
                stopping.run_until_cancelled(running.run()).await;
            });
            feed
        }))
    }

    /// The feed that has the changes of a kind.
    pub fn of(&self, kind: ChangeKind) -> &Arc<Feed> {
        let [categories, products, orders] = &self.0;
        match Source::of(kind) {
            Source::Categories => categories,
            Source::Products => products,
            Source::Orders => orders,
        }
    }
}

impl Feed {
    /// Adds a listener, as soon as the stream is open.
    ///
    /// # Errors
    /// The read side does not answer in time.
    pub async fn listen(self: &Arc<Self>, selection: &Selection) -> Result<Listener, ApiError> {
        let queue = Arc::new(Queue::default());
        let id = self.listeners.lock().add(selection, &queue);
        self.changed.notify_one();
        let (feed, removed) = (Arc::downgrade(self), selection.clone());
        let mut listener = Listener {
            queue,
            position: 0,
            on_drop: Some(Box::new(move || {
                if let Some(feed) = feed.upgrade() {
                    feed.listeners.lock().remove(&removed, id);
                    feed.changed.notify_one();
                }
            })),
        };
        let mut position = self.position.subscribe();
        let started = position.wait_for(Option::is_some);
        // The result is dropped at once: it locks the position, which is set under the lock of the listeners.
        let is_started = matches!(timeout(START_TIMEOUT, started).await, Ok(Ok(_)));
        // Under the lock of the listeners no change is passed on: all changes after this position will be received.
        let _passing = self.listeners.lock();
        let started_at = *self.position.borrow();
        match started_at.filter(|_| is_started) {
            Some(position) => {
                listener.position = position;
                Ok(listener)
            }
            None => Err(ApiError::new(Code::ServiceUnavailable, NOT_AVAILABLE)),
        }
    }

    async fn run(&self) {
        let mut position = None;
        let mut interrupted = None;
        let mut backoff = Backoff::new(FIRST_PAUSE, MAX_PAUSE);
        loop {
            if self.is_unused() {
                position = None;
                interrupted = None;
                self.changed.notified().await;
                continue;
            }
            let before = position;
            let Err(status) = self.follow(&mut position).await else {
                continue;
            };
            if position != before {
                interrupted = None;
                backoff = Backoff::new(FIRST_PAUSE, MAX_PAUSE);
            }
            self.log(&status);
            let since = *interrupted.get_or_insert_with(Instant::now);
            let is_final = matches!(
                Reason::of(&status),
                Some(Reason::ReadSideStalled | Reason::PositionAboveHead)
            );
            if is_final || since.elapsed() >= INTERRUPTION_TIMEOUT {
                self.fail(&from_grpc(&status, Effect::Read));
                position = None;
                interrupted = None;
            }
            tokio::time::sleep(backoff.next_pause()).await;
        }
    }

    /// Passes changes on until the stream fails, or there are no listeners.
    async fn follow(&self, position: &mut Option<u64>) -> Result<(), Status> {
        let kinds = self.source.kinds().iter();
        let request = FollowChangesRequest {
            after: *position,
            kinds: kinds.map(|kind| (*kind).into()).collect(),
            ids: Vec::new(),
            without_rows: true,
        };
        let origin = Origin::new_random();
        let opening = async {
            let mut stream = self.services.follow_changes(&origin, request).await?;
            let first = stream.message().await?.ok_or_else(ended)?;
            Ok((stream, first))
        };
        let opened = timeout_at(Instant::now() + OPEN_TIMEOUT, opening).await;
        let late = |_| Err(Status::unavailable("the stream of changes was not opened"));
        let (mut stream, mut message) = opened.unwrap_or_else(late)?;
        self.log_recovery();
        loop {
            let reached = message.position;
            self.pass_on(reached, notice(message).as_ref());
            *position = Some(reached);
            message = tokio::select! {
                next = stream.message() => next?.ok_or_else(ended)?,
                () = self.until_unused() => return Ok(()),
            };
        }
    }

    fn pass_on(&self, position: u64, notice: Option<&Arc<super::Notice>>) {
        self.services.record_position(position);
        let listeners = self.listeners.lock();
        if let Some(notice) = notice {
            for queue in listeners.of(notice.kind, &notice.id) {
                queue.push(notice);
            }
        }
        self.position.send_replace(Some(position));
    }

    /// Whether there are no listeners. Nothing is read then, and the next stream starts at the head.
    fn is_unused(&self) -> bool {
        let listeners = self.listeners.lock();
        let is_unused = listeners.queues.is_empty();
        if is_unused {
            // Under the lock: a listener that is added now must not start at the position of the last stream.
            self.position.send_replace(None);
        }
        is_unused
    }

    async fn until_unused(&self) {
        while !self.listeners.lock().queues.is_empty() {
            self.changed.notified().await;
        }
    }

    fn fail(&self, error: &ApiError) {
        let mut listeners = self.listeners.lock();
        self.position.send_replace(None);
        for (_, queue) in listeners.queues.drain() {
            queue.fail(error);
        }
    }

    fn log_recovery(&self) {
        let what = format_args!("the changes of {} are followed again", self.source.name());
        self.failures.log_recovery(Instant::now(), what);
    }

    fn log(&self, status: &Status) {
        if let Some(suppressed) = self.failures.failed(Instant::now()) {
            tracing::warn!(
                { fields::PROJECTION } = self.source.name(),
                { fields::REASON } = status.message(),
                { fields::SUPPRESSED } = suppressed,
                "the changes of the read side cannot be followed"
            );
        }
    }
}
