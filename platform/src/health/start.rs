//! Retries the steps of a start, and logs what a slow start waits for.

use std::time::Duration;

use event_sourcing::Backoff;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::Health;
use crate::config::{DatabaseUrl, Databases, Engine, names};
use crate::fields;
use crate::runtime::{StartError, Tasks};

/// A start that completes earlier logs nothing.
const FIRST_LOG_DELAY: Duration = Duration::from_secs(2);
/// The interval of further log lines.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// The initial and the maximum delay between two attempts of a step.
const MIN_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_secs(2);

/// A step of a start that needs a database.
#[derive(Clone, Copy, Debug)]
pub struct StartStep {
    /// The operation, such as "open the event store".
    what: &'static str,
    /// The setting that names the database.
    setting: &'static str,
    /// How long transient errors are retried, such as a server that is not reachable yet.
    timeout: Duration,
}

impl StartStep {
    /// A step that needs the event store.
    #[must_use]
    pub fn on_event_store(databases: &Databases, what: &'static str) -> Self {
        let setting = names::EVENT_STORE_URL.spec.name;
        Self::new(what, setting, &databases.event_store, databases)
    }

    /// A step that needs the service's own database.
    #[must_use]
    pub fn on_database(databases: &Databases, what: &'static str) -> Self {
        Self::new(
            what,
            databases.database_setting,
            &databases.database,
            databases,
        )
    }

    fn new(
        what: &'static str,
        setting: &'static str,
        url: &DatabaseUrl,
        databases: &Databases,
    ) -> Self {
        Self {
            what,
            setting,
            timeout: match url.engine() {
                // No retries: the file exists, or another process holds its lock for as long as it runs.
                Engine::Sqlite => Duration::ZERO,
                Engine::Postgres => databases.start_timeout,
            },
        }
    }

    /// Executes the step, with retries. Logs that the start waits for it, after 2 s and then every 10 s, with the
    /// last error.
    ///
    /// # Errors
    /// A permanent error, or the last transient one after the timeout.
    pub fn take<'t, T, E>(
        self,
        may_pass: fn(&E) -> bool,
        mut attempt: impl FnMut() -> BoxFuture<'t, Result<T, E>> + Send + 't,
    ) -> BoxFuture<'t, Result<T, StartError>>
    where
        T: Send + 't,
        E: std::error::Error + Send + Sync + 'static,
    {
        Box::pin(async move {
            let last = Mutex::new(None::<String>);
            let explaining = explain(|| {
                let last = last.lock();
                self.explain(last.as_deref());
            });
            let taking = async {
                let (start, mut backoff) = (Instant::now(), Backoff::new(MIN_PAUSE, MAX_PAUSE));
                loop {
                    let error = match attempt().await {
                        Ok(taken) => return Ok(taken),
                        Err(error) => error,
                    };
                    let waited = start.elapsed();
                    let is_last = !may_pass(&error) || waited >= self.timeout;
                    let error = StartError::failed(self.setting, error);
                    if is_last {
                        return Err(error);
                    }
                    *last.lock() = Some(error.to_string());
                    let pause = backoff.next_pause();
                    tokio::time::sleep(pause.min(self.timeout.saturating_sub(waited))).await;
                }
            };
            tokio::select! {
                biased;
                taken = taking => taken,
                never = explaining => match never {},
            }
        })
    }

    fn explain(self, last: Option<&str>) {
        let waited_for = format!("{} ({})", self.what, self.setting);
        match last {
            None => tracing::warn!({ fields::WAITED_FOR } = waited_for, "the start waits"),
            Some(error) => tracing::warn!(
                { fields::WAITED_FOR } = waited_for,
                { fields::ERROR } = error,
                "the start waits"
            ),
        }
    }
}

/// Logs which components a started process waits for, after 2 s and then every 10 s, until it is ready.
pub fn explain_start(health: &Health, tasks: &Tasks) {
    let health = health.clone();
    tasks.spawn_job(async move {
        let mut changes = health.changes();
        let ready = async { while !health.is_ready() && changes.changed().await.is_ok() {} };
        let explaining = explain(|| {
            tracing::warn!(
                { fields::WAITED_FOR } = health.waited_for(),
                "not ready yet"
            );
        });
        tokio::select! {
            biased;
            () = health.draining() => {}
            () = ready => {}
            never = explaining => match never {},
        }
    });
}

async fn explain(mut log: impl FnMut()) -> std::convert::Infallible {
    tokio::time::sleep(FIRST_LOG_DELAY).await;
    loop {
        log();
        tokio::time::sleep(LOG_INTERVAL).await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::future::BoxFuture;
    use test_log::CapturedLog;
    use tokio::sync::mpsc;
    use tokio::time::Instant;
    use tracing::Level;

    use super::{StartStep, explain, explain_start};
    use crate::health::Health;
    use crate::runtime::Tasks;

    #[tokio::test(start_paused = true)]
    async fn a_slow_start_is_logged_after_two_seconds_and_then_every_ten() {
        let start = Instant::now();
        let (logged, mut received) = mpsc::unbounded_channel();
        let explaining = explain(move || logged.send(Instant::now()).expect("a listener"));
        let listening = async {
            let mut moments = Vec::new();
            while moments.len() < 3 {
                moments.extend(received.recv().await);
            }
            moments
        };
        let moments = tokio::select! {
            never = explaining => match never {},
            moments = listening => moments,
        };
        let seconds = [2, 12, 22].map(Duration::from_secs);
        let after = moments.into_iter().map(|moment| moment - start);
        assert!(after.eq(seconds));
    }

    /// The paused clock makes the number of log lines deterministic.
    #[tokio::test(start_paused = true)]
    async fn a_start_logs_what_it_waits_for_until_it_is_ready() {
        let (log, _kept) = CapturedLog::from(Level::INFO);
        let tasks = Tasks::new();
        let health = Health::new("1", &tasks);
        health.component("database").up("connected");
        let orders = health.component("projection_orders");
        orders.down("building (1 of 9)");
        explain_start(&health, &tasks);
        tokio::time::sleep(Duration::from_secs(3)).await;
        let line =
            " WARN not ready yet start.waited_for=\"projection_orders (building (1 of 9))\"\n";
        assert_eq!(log.text(), line);
        orders.up("following");
        tokio::time::sleep(Duration::from_mins(1)).await;
        assert_eq!(log.text().matches("not ready yet").count(), 1);
    }

    #[derive(Debug, thiserror::Error)]
    #[error("it is {0}")]
    struct Locked(&'static str);

    fn step(timeout: u64) -> StartStep {
        StartStep {
            what: "open the till",
            setting: "TILL",
            timeout: Duration::from_secs(timeout),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_step_is_logged() {
        let (log, _kept) = CapturedLog::from(Level::INFO);
        let opening = |seconds| {
            let attempt = move || {
                let opening = async move {
                    tokio::time::sleep(Duration::from_secs(seconds)).await;
                    Ok::<_, Locked>(())
                };
                Box::pin(opening) as BoxFuture<'static, _>
            };
            step(0).take(|_| true, attempt)
        };
        opening(0).await.expect("opened");
        assert_eq!(log.text(), "");
        opening(13).await.expect("opened");
        let line = " WARN the start waits start.waited_for=\"open the till (TILL)\"\n";
        assert_eq!(log.text(), line.repeat(2));
    }

    #[tokio::test(start_paused = true)]
    async fn transient_errors_are_retried_until_the_timeout() {
        let (log, _kept) = CapturedLog::from(Level::INFO);
        let begin = Instant::now();
        let locked_for = move |seconds: u64, how| {
            move || {
                let is_open = begin.elapsed() >= Duration::from_secs(seconds);
                Box::pin(async move { is_open.then_some(()).ok_or(Locked(how)) })
                    as BoxFuture<'static, _>
            }
        };
        let may_pass = |error: &Locked| error.0 != "gone";
        step(20)
            .take(may_pass, locked_for(3, "locked"))
            .await
            .expect("opened in time");
        let line = " WARN the start waits start.waited_for=\"open the till (TILL)\" \
                    error.cause=\"TILL: it is locked\"\n";
        assert_eq!(log.text(), line);
        let begin = Instant::now();
        let rejected = step(20)
            .take(may_pass, locked_for(u64::MAX, "locked"))
            .await;
        let rejected = rejected.expect_err("it stays locked").to_string();
        assert_eq!(rejected, "TILL: it is locked");
        assert_eq!(begin.elapsed().as_secs(), 20);
        let begin = Instant::now();
        let gone = step(20).take(may_pass, locked_for(u64::MAX, "gone")).await;
        gone.expect_err("a permanent error");
        assert_eq!(begin.elapsed(), Duration::ZERO);
    }
}
