//! The deadline of a process's shutdown, which all its parts share.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

/// When a stopping process must have exited.
#[derive(Clone, Copy, Debug)]
pub struct StopDeadline {
    end: Instant,
    /// The time reserved for closing stores if requests use all of theirs.
    reserve: Duration,
}

impl StopDeadline {
    /// The deadline in `limit` from now.
    #[must_use]
    pub fn within(limit: Duration) -> Self {
        Self {
            end: Instant::now() + limit,
            reserve: limit / 10,
        }
    }

    /// The remaining time for requests and tasks.
    #[must_use]
    pub fn for_tasks(&self) -> Duration {
        let rest = self.end.saturating_duration_since(Instant::now());
        rest.saturating_sub(self.reserve)
    }

    /// Closes `what`, or abandons it at the deadline and logs that.
    pub async fn close(&self, what: &'static str, closing: impl Future<Output = ()>) {
        if timeout_at(self.end, closing).await.is_err() {
            tracing::warn!("{what} did not close in time");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::StopDeadline;

    const LIMIT: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn closing_takes_no_longer_than_the_remaining_time() {
        let start = Instant::now();
        let deadline = StopDeadline::within(LIMIT);
        assert_eq!(deadline.for_tasks(), Duration::from_secs(9));
        tokio::time::sleep(deadline.for_tasks()).await;
        assert_eq!(deadline.for_tasks(), Duration::ZERO);
        deadline.close("the store", std::future::pending()).await;
        assert_eq!(start.elapsed(), LIMIT);
        deadline.close("another", std::future::pending()).await;
        assert_eq!(start.elapsed(), LIMIT);
    }
}
