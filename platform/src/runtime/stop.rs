//! The end of a process has one deadline, which all its parts share.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

/// When a process that was asked to stop must have ended.
#[derive(Clone, Copy, Debug)]
pub struct StopDeadline {
    end: Instant,
    /// What is left to close stores when requests have taken all the time that they get.
    reserve: Duration,
}

impl StopDeadline {
    /// So long from now.
    #[must_use]
    pub fn within(limit: Duration) -> Self {
        Self {
            end: Instant::now() + limit,
            reserve: limit / 10,
        }
    }

    /// How long requests and tasks may take from now on.
    #[must_use]
    pub fn for_tasks(&self) -> Duration {
        let rest = self.end.saturating_duration_since(Instant::now());
        rest.saturating_sub(self.reserve)
    }

    /// Closes `what`, or leaves it behind at the deadline and says so.
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
    async fn what_hangs_takes_no_longer_than_what_is_left() {
        let begin = Instant::now();
        let deadline = StopDeadline::within(LIMIT);
        assert_eq!(deadline.for_tasks(), Duration::from_secs(9));
        tokio::time::sleep(deadline.for_tasks()).await;
        assert_eq!(deadline.for_tasks(), Duration::ZERO);
        deadline.close("the store", std::future::pending()).await;
        assert_eq!(begin.elapsed(), LIMIT);
        deadline.close("another", std::future::pending()).await;
        assert_eq!(begin.elapsed(), LIMIT);
    }
}
