//! Follows the event store to detect the ends of sagas.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use event_sourcing::{EventStore, Filter, Position};
use sagas::{AnySagaEvent, SagaEvent, names};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::app::open_to_follow;

/// A saga that has not ended after this time counts as lost.
const WAIT_TIMEOUT: Duration = Duration::from_secs(30);
const PAGE: usize = 1_000;

/// Waits for the ends of sagas, and counts them.
#[derive(Clone)]
pub struct Completions(Arc<Inner>);

struct Inner {
    store: Arc<dyn EventStore>,
    known: Mutex<HashMap<String, SagaEntry>>,
    completed: AtomicU64,
    compensated: AtomicU64,
    following: Mutex<Option<JoinHandle<Result<()>>>>,
}

enum SagaEntry {
    Awaited(oneshot::Sender<()>),
    Ended,
}

/// The numbers of sagas that have ended.
#[derive(Clone, Copy, Debug)]
pub struct Counts {
    pub completed: u64,
    pub compensated: u64,
}

impl Completions {
    pub async fn follow(url: &str) -> Result<Self> {
        let store = open_to_follow(url).await?;
        let after = store.head().await?;
        let completions = Self(Arc::new(Inner {
            store,
            known: Mutex::default(),
            completed: AtomicU64::new(0),
            compensated: AtomicU64::new(0),
            following: Mutex::default(),
        }));
        let following = tokio::spawn(completions.clone().record(after));
        *lock(&completions.0.following) = Some(following);
        Ok(completions)
    }

    async fn record(self, mut after: Position) -> Result<()> {
        let filter = Filter::of_types(&[names::COMPLETED, names::COMPENSATED, names::SUSPENDED]);
        loop {
            self.0.store.wait_for(after.next()).await?;
            let page = self.0.store.read_all(after, &filter, PAGE).await?;
            for envelope in page.events() {
                let event = envelope.decode::<AnySagaEvent>()?;
                match event {
                    SagaEvent::Completed(_) => &self.0.completed,
                    _ => &self.0.compensated,
                }
                .fetch_add(1, Ordering::Relaxed);
                self.ended(event.subject());
            }
            after = page.read_up_to;
        }
    }

    fn ended(&self, order: &str) {
        let mut known = lock(&self.0.known);
        if let Some(SagaEntry::Awaited(waiting)) = known.remove(order) {
            // The waiting client may have had a timeout.
            let _dropped = waiting.send(());
        } else {
            known.insert(order.to_owned(), SagaEntry::Ended);
        }
    }

    /// Waits for the end of an order's saga.
    pub async fn of(&self, order: &str) -> Result<()> {
        let (sender, receiver) = oneshot::channel();
        {
            let mut known = lock(&self.0.known);
            if known.remove(order).is_some() {
                return Ok(());
            }
            known.insert(order.to_owned(), SagaEntry::Awaited(sender));
        }
        let ended = timeout(WAIT_TIMEOUT, receiver).await;
        Ok(ended.with_context(|| format!("the saga of order {order} did not end"))??)
    }

    pub fn counts(&self) -> Counts {
        Counts {
            completed: self.0.completed.load(Ordering::Relaxed),
            compensated: self.0.compensated.load(Ordering::Relaxed),
        }
    }

    /// The commits of an order, each with the types and data of its events.
    pub async fn events_of(&self, order: &str) -> Result<Vec<Vec<(String, String)>>> {
        let mut commits: Vec<Vec<(String, String)>> = Vec::new();
        let mut after = Position::START;
        let mut belongs = false;
        loop {
            let page = self.0.store.read_all(after, &Filter::ALL, PAGE).await?;
            for envelope in page.events() {
                if envelope.command_id.is_some() {
                    belongs = envelope.data.contains(order);
                    if belongs {
                        commits.push(Vec::new());
                    }
                }
                if let Some(commit) = commits.last_mut().filter(|_| belongs) {
                    commit.push((envelope.event_type.clone(), envelope.data.clone()));
                }
            }
            if page.read_up_to == after {
                return Ok(commits);
            }
            after = page.read_up_to;
        }
    }

    pub async fn stop(&self) {
        let following = lock(&self.0.following).take();
        if let Some(following) = following {
            following.abort();
            // The task was aborted, so its result is an error.
            let _aborted = following.await;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
