//! Spawned tasks and their owner, which awaits them.

use std::borrow::Cow;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::fields;

/// The tasks of one service. Cheap to clone; clones share their state.
#[derive(Clone, Debug)]
pub struct Tasks {
    stopping: CancellationToken,
    /// A child of `stopping`: a process that stops without notice drains as well.
    draining: CancellationToken,
    tracker: TaskTracker,
    fault: Arc<OnceLock<Cow<'static, str>>>,
    /// Cancelled by a fault.
    faulted: CancellationToken,
}

/// Some tasks were still running at the end of the drain timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{remaining} tasks were still running after {} ms", limit.as_millis())]
pub struct NotDrained {
    pub remaining: usize,
    pub limit: Duration,
}

impl Default for Tasks {
    fn default() -> Self {
        let stopping = CancellationToken::new();
        Self {
            draining: stopping.child_token(),
            faulted: stopping.clone(),
            stopping,
            tracker: TaskTracker::default(),
            fault: Arc::default(),
        }
    }
}

impl Tasks {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancelled when the process is about to stop: it is not ready any more, and serves as before until
    /// [`stopping`](Self::stopping).
    #[must_use]
    pub fn draining(&self) -> CancellationToken {
        self.draining.clone()
    }

    /// Announces the stop.
    pub fn announce_stop(&self) {
        self.draining.cancel();
    }

    /// Cancelled when the tasks must stop.
    #[must_use]
    pub fn stopping(&self) -> CancellationToken {
        self.stopping.clone()
    }

    /// Tasks that others of this service depend on, with a stop of their own: requests in flight can only be completed while
    /// what they wait for runs. A fault of one stops the service as well.
    #[must_use]
    pub fn background(&self) -> Self {
        Self {
            stopping: CancellationToken::new(),
            tracker: TaskTracker::default(),
            ..self.clone()
        }
    }

    /// Spawns a task that must run until the stop. If it returns earlier, or panics, that is a fault: it is logged
    /// and all tasks are stopped.
    pub fn spawn(
        &self,
        name: impl Into<Cow<'static, str>>,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        self.spawn_boxed(name.into(), Box::pin(task));
    }

    /// Boxed, so that the runtime's code for a task is compiled once and not for each task.
    fn spawn_boxed(&self, name: Cow<'static, str>, task: BoxFuture<'static, ()>) {
        let this = self.clone();
        self.tracker.spawn(async move {
            let panicked = AssertUnwindSafe(task).catch_unwind().await.is_err();
            if panicked || !this.stopping.is_cancelled() {
                // Only the first fault is recorded. Recorded before it is logged: a failing log must not hide it.
                let _ = this.fault.set(name.clone());
                this.faulted.cancel();
                tracing::error!(
                    { fields::TASK } = &*name,
                    { fields::TASK_PANICKED } = panicked,
                    "a task ended unexpectedly"
                );
            }
        });
    }

    /// Spawns a task that may return at any time, such as a connection.
    pub fn spawn_job(&self, job: impl Future<Output = ()> + Send + 'static) {
        let job: BoxFuture<'static, ()> = Box::pin(job);
        self.tracker.spawn(job);
    }

    /// Signals all tasks to stop.
    pub fn stop(&self) {
        self.stopping.cancel();
    }

    /// Signals all tasks to stop and awaits them.
    ///
    /// # Errors
    /// Some are still running after `limit`; they are abandoned and end with the process.
    #[must_use]
    pub fn drain(&self, limit: Duration) -> BoxFuture<'_, Result<(), NotDrained>> {
        self.stop();
        self.tracker.close();
        Box::pin(async move {
            let ended = tokio::time::timeout(limit, self.tracker.wait()).await;
            ended.map_err(|_| NotDrained {
                remaining: self.tracker.len(),
                limit,
            })
        })
    }

    /// The task whose unexpected end stopped all of them.
    #[must_use]
    pub fn fault(&self) -> Option<&str> {
        self.fault.get().map(AsRef::as_ref)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Tasks;

    const LONG: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn draining_awaits_every_task() {
        let tasks = Tasks::new();
        let stopping = tasks.stopping();
        let (done, ended) = tokio::sync::oneshot::channel();
        tasks.spawn("one", async move {
            stopping.cancelled().await;
            done.send(()).expect("a listener");
        });
        tasks.drain(LONG).await.expect("drained");
        ended.await.expect("it ran to its end");
        assert_eq!(tasks.fault(), None);
    }

    #[tokio::test]
    async fn an_unexpected_end_and_a_panic_stop_all_tasks() {
        let early = Tasks::new();
        early.spawn("early", async {});
        early.stopping().cancelled().await;
        assert_eq!(early.fault(), Some("early"));
        let panicking = Tasks::new();
        panicking.spawn("panicking", async { panic!("on purpose") });
        panicking.stopping().cancelled().await;
        assert_eq!(panicking.fault(), Some("panicking"));
        panicking.drain(LONG).await.expect("drained");
    }

    #[tokio::test]
    async fn what_requests_depend_on_is_stopped_after_them_and_its_fault_stops_them() {
        let tasks = Tasks::new();
        let background = tasks.background();
        tasks.announce_stop();
        assert!(background.draining().is_cancelled());
        tasks.drain(LONG).await.expect("drained");
        assert!(!background.stopping().is_cancelled());
        background.drain(LONG).await.expect("drained");
        let tasks = Tasks::new();
        tasks.background().spawn("early", async {});
        tasks.stopping().cancelled().await;
        assert_eq!(tasks.fault(), Some("early"));
    }

    #[tokio::test(start_paused = true)]
    async fn draining_has_a_timeout() {
        let tasks = Tasks::new();
        tasks.spawn_job(std::future::pending());
        let left = tasks.drain(LONG).await.expect_err("one is left");
        assert_eq!(left.remaining, 1);
    }
}
