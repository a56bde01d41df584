//! Timeouts and retries of calls.

use std::time::Duration;

use event_sourcing::Backoff;

/// The timeout and retries of one kind of call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The maximum number of tries.
    pub limit: u32,
    /// The backoff before the first retry; it doubles for each later one.
    pub first_pause: Duration,
    /// The deadline over all tries.
    pub timeout: Duration,
}

impl RetryPolicy {
    /// The backoff between tries; no pause is longer than the deadline.
    #[must_use]
    pub fn backoff(&self) -> Backoff {
        Backoff::new(self.first_pause, self.timeout)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::RetryPolicy;

    #[test]
    fn pauses_double_with_jitter() {
        let tries = RetryPolicy {
            limit: 4,
            first_pause: Duration::from_millis(200),
            timeout: Duration::from_secs(5),
        };
        let mut backoff = tries.backoff();
        for (after, least, most) in [(1, 100, 200), (2, 200, 400), (3, 400, 800)] {
            let pause = backoff.next_pause().as_millis();
            assert!((least..=most).contains(&pause), "{pause} ms after {after}");
        }
    }
}
