//! Exponential backoff with jitter: each pause is twice as long as the one before, up to a maximum, and is shortened at
//! random by up to a half, so that callers that failed together do not retry together.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

/// An unlimited series of retry pauses.
///
/// ```
/// use event_sourcing::Backoff;
/// use std::time::Duration;
///
/// let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));
/// for longest in [100, 200, 400, 800, 1_000, 1_000] {
///     let longest = Duration::from_millis(longest);
///     let pause = backoff.next_pause();
///     assert!(longest / 2 <= pause && pause <= longest);
/// }
/// backoff.reset();
/// assert!(backoff.next_pause() <= Duration::from_millis(100));
/// ```
#[derive(Debug)]
pub struct Backoff {
    rule: ExponentialBuilder,
    pauses: <ExponentialBuilder as BackoffBuilder>::Backoff,
    longest: Duration,
}

impl Backoff {
    /// Pauses of at most `first`, twice that and so on, up to `longest`.
    #[must_use]
    pub fn new(first: Duration, longest: Duration) -> Self {
        // `backon` adds up to 100 % of jitter to each delay, so half the delay plus jitter is at most `longest`.
        let rule = ExponentialBuilder::new()
            .with_jitter()
            .with_min_delay(first / 2)
            .with_max_delay(longest / 2)
            .without_max_times();
        Self {
            rule,
            pauses: rule.build(),
            longest,
        }
    }

    /// The pause before the next attempt.
    pub fn next_pause(&mut self) -> Duration {
        self.pauses.next().unwrap_or(self.longest)
    }

    /// Restarts the series, after a success.
    pub fn reset(&mut self) {
        self.pauses = self.rule.build();
    }
}
