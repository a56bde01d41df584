//! A start that takes its time says what it waits for.

use std::time::Duration;

use futures::future::BoxFuture;

use super::Health;
use crate::fields;
use crate::runtime::Tasks;

/// A start that is over by then explains nothing.
const FIRST: Duration = Duration::from_secs(2);
/// The pauses between explanations.
const AGAIN: Duration = Duration::from_secs(10);

/// Takes a step of the start, such as "open the event store"; logs that it is waited for, after 2 s and then every 10 s.
pub fn start_step<'t, T>(
    step: &'static str,
    taking: impl Future<Output = T> + Send + 't,
) -> BoxFuture<'t, T> {
    Box::pin(async move {
        let explaining = explain(move || {
            tracing::warn!({ fields::WAITED_FOR } = step, "the start waits");
        });
        tokio::select! {
            biased;
            taken = taking => taken,
            never = explaining => match never {},
        }
    })
}

/// Logs what keeps a process that has started from serving, after 2 s and then every 10 s, until it is ready.
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

async fn explain(mut say: impl FnMut()) -> std::convert::Infallible {
    tokio::time::sleep(FIRST).await;
    loop {
        say();
        tokio::time::sleep(AGAIN).await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::mpsc;
    use tokio::time::Instant;

    use super::{explain, explain_start, start_step};
    use crate::health::Health;
    use crate::health::kept_log::KeptLog;
    use crate::runtime::Tasks;

    #[tokio::test(start_paused = true)]
    async fn it_is_explained_after_two_seconds_and_then_every_ten() {
        let start = Instant::now();
        let (said, mut heard) = mpsc::unbounded_channel();
        let explaining = explain(move || said.send(Instant::now()).expect("a listener"));
        let listening = async {
            let mut moments = Vec::new();
            while moments.len() < 3 {
                moments.extend(heard.recv().await);
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

    /// The clock stands still between the timers.
    #[tokio::test(start_paused = true)]
    async fn a_start_names_what_it_waits_for_until_it_is_ready() {
        let log = KeptLog::default();
        let _kept = log.keep();
        let tasks = Tasks::new();
        let health = Health::new("1", &tasks);
        health.part("database").up("connected");
        let orders = health.part("projection_orders");
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

    #[tokio::test(start_paused = true)]
    async fn a_step_that_takes_its_time_is_named() {
        let log = KeptLog::default();
        let _kept = log.keep();
        start_step("open the till", async {}).await;
        assert_eq!(log.text(), "");
        start_step("open the till", tokio::time::sleep(Duration::from_secs(13))).await;
        let line = " WARN the start waits start.waited_for=\"open the till\"\n";
        assert_eq!(log.text(), line.repeat(2));
    }
}
