//! A data loader that batches without a timer.
//!
//! ```text
//! leader    ── opens a batch, yields once ────── closes it, fetches, sends the rows to the followers
//! followers ── add their keys to the open batch ── wait for the rows
//! ```
//!
//! The fields of one GraphQL level are polled by one task, one after the other. When the leader is polled again, all its
//! siblings have added their keys: the batch is complete without waiting a fixed time, which a single load would have to
//! wait too.

use std::collections::{HashMap, HashSet};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use graphql_http::ApiError;
use tokio::sync::watch;

type Rows<V> = HashMap<String, Arc<V>>;
type Fetched<V> = Option<Result<Arc<Rows<V>>, ApiError>>;

/// Combines concurrent loads into one fetch, and caches the rows.
#[derive(Debug)]
pub struct Batch<V> {
    state: Mutex<State<V>>,
}

#[derive(Debug)]
struct State<V> {
    /// The rows fetched so far; `None` if there is no row with the key.
    known: HashMap<String, Option<Arc<V>>>,
    open: Option<Open<V>>,
}

#[derive(Debug)]
struct Open<V> {
    keys: HashSet<String>,
    rows: watch::Receiver<Fetched<V>>,
}

enum Role<V> {
    Known(Option<Arc<V>>),
    Leader(watch::Sender<Fetched<V>>),
    Follower(watch::Receiver<Fetched<V>>),
}

impl<V> Default for Batch<V> {
    fn default() -> Self {
        Self {
            state: Mutex::new(State {
                known: HashMap::new(),
                open: None,
            }),
        }
    }
}

impl<V> Batch<V> {
    /// The row with this key, if there is one. Of all concurrent loads, one calls `fetch` for all.
    ///
    /// # Errors
    /// The fetch failed; all loads of the batch return the same error.
    pub async fn load<F>(&self, key: &str, fetch: F) -> Result<Option<Arc<V>>, ApiError>
    where
        F: AsyncFnOnce(Vec<String>) -> Result<Rows<V>, ApiError>,
    {
        match self.join(key) {
            Role::Known(value) => Ok(value),
            Role::Leader(sender) => {
                yield_once().await;
                let keys = self.close();
                let rows = fetch(keys.clone()).await.map(Arc::new);
                // Fails if no follower waits any more.
                let _ = sender.send(Some(rows.clone()));
                let rows = rows?;
                self.remember(keys, &rows);
                Ok(rows.get(key).cloned())
            }
            Role::Follower(mut receiver) => {
                let fetched = receiver.wait_for(Option::is_some).await;
                match fetched.as_deref() {
                    Ok(Some(Ok(rows))) => Ok(rows.get(key).cloned()),
                    Ok(Some(Err(error))) => Err(error.clone()),
                    // The leader was dropped, because its part of the response failed.
                    Ok(None) | Err(_) => Err(ApiError::internal("a batch ended without rows")),
                }
            }
        }
    }

    /// Clears the cached rows.
    pub fn forget(&self) {
        self.lock().known.clear();
    }

    fn join(&self, key: &str) -> Role<V> {
        let mut state = self.lock();
        if let Some(value) = state.known.get(key) {
            return Role::Known(value.clone());
        }
        if let Some(open) = &mut state.open {
            open.keys.insert(key.to_owned());
            return Role::Follower(open.rows.clone());
        }
        let (sender, rows) = watch::channel(None);
        state.open = Some(Open {
            keys: HashSet::from([key.to_owned()]),
            rows,
        });
        Role::Leader(sender)
    }

    fn close(&self) -> Vec<String> {
        let open = self.lock().open.take();
        open.into_iter().flat_map(|open| open.keys).collect()
    }

    fn remember(&self, keys: Vec<String>, rows: &Rows<V>) {
        let mut state = self.lock();
        for key in keys {
            let value = rows.get(&key).cloned();
            state.known.insert(key, value);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<V>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets the other futures of this task be polled once.
async fn yield_once() {
    let mut first = true;
    poll_fn(|context| {
        if std::mem::take(&mut first) {
            context.waker().wake_by_ref();
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    })
    .await;
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use futures::future::join_all;

    use super::Batch;
    use graphql_http::{ApiError, Code};

    #[tokio::test]
    async fn concurrent_loads_are_one_fetch() {
        let batch = Batch::<String>::default();
        let fetches = AtomicUsize::new(0);
        let fetch = async |keys: Vec<String>| {
            fetches.fetch_add(1, Relaxed);
            let rows: HashMap<_, _> = keys
                .into_iter()
                .filter(|key| key != "k7")
                .map(|key| (key.clone(), Arc::new(key)))
                .collect();
            Ok(rows)
        };
        let keys: Vec<String> = (0..100).map(|n| format!("k{}", n % 50)).collect();
        let loads = keys.iter().map(|key| batch.load(key, &fetch));
        for (key, value) in keys.iter().zip(join_all(loads).await) {
            let value = value.expect("fetched");
            let expected = (key != "k7").then(|| key.clone());
            assert_eq!(value.as_deref(), expected.as_ref());
        }
        assert_eq!(fetches.load(Relaxed), 1);
        batch.load("k7", &fetch).await.expect("known to be absent");
        assert_eq!(fetches.load(Relaxed), 1);
        batch.forget();
        batch.load("k1", &fetch).await.expect("fetched again");
        assert_eq!(fetches.load(Relaxed), 2);
    }

    #[tokio::test]
    async fn a_failure_is_returned_to_all_and_is_not_cached() {
        let batch = Batch::<String>::default();
        let fail = async |_| Err(ApiError::new(Code::ServiceUnavailable, "down"));
        let loads = ["a", "b"].map(|key| batch.load(key, fail));
        for answer in join_all(loads).await {
            assert_eq!(answer.expect_err("down").code, Code::ServiceUnavailable);
        }
        let answer = batch.load("a", async |_| Ok(HashMap::new())).await;
        assert_eq!(answer.expect("fetched again"), None);
    }
}
