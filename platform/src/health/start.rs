//! A start that takes its time says what it waits for.

use std::time::Duration;

use super::Health;
use crate::fields;
use crate::runtime::Tasks;

/// A start that is over by then explains nothing.
const FIRST: Duration = Duration::from_secs(2);
/// The pauses between explanations.
const AGAIN: Duration = Duration::from_secs(10);

/// Takes a step of the start, such as "open the event store"; logs that it is waited for, after 2 s and then every 10 s.
pub async fn start_step<T>(step: &'static str, taking: impl Future<Output = T>) -> T {
    let explaining = explain(|| {
        tracing::warn!({ fields::WAITED_FOR } = step, "the start waits");
    });
    tokio::select! {
        biased;
        taken = taking => taken,
        never = explaining => match never {},
    }
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

    use super::explain;

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
}
