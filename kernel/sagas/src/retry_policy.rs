//! When a step is retried.

use std::time::Duration;

/// When a step is retried: exponential backoff from `min`, doubled after each failure, up to `max`, with each pause
/// shortened at random by up to a half (jitter), so that sagas that failed together do not retry together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The first pause.
    pub min: Duration,
    /// The longest pause.
    pub max: Duration,
    /// Maximum number of tries of a compensation or a retriable step; after that the saga is suspended.
    pub tries: u32,
}

impl RetryPolicy {
    /// One second to one minute, ten tries.
    pub const DEFAULT: Self = Self {
        min: Duration::from_secs(1),
        max: Duration::from_mins(1),
        tries: 10,
    };

    /// Limits `max` to `longest`. Jitter still applies to a limited pause.
    #[must_use]
    pub fn within(&self, longest: Duration) -> Self {
        let max = self.max.min(longest);
        Self { max, ..*self }
    }

    /// The pause after failure number `attempt`, counted from 1. `random` is any number and selects the jitter.
    #[must_use]
    pub fn pause(&self, attempt: u32, random: u64) -> Duration {
        let doubled = 1_u32
            .checked_shl(attempt.saturating_sub(1))
            .unwrap_or(u32::MAX);
        let full = self.min.saturating_mul(doubled).min(self.max);
        let share = u32::try_from(random % 1_000).unwrap_or(0);
        full / 2 + full / 2_000 * share
    }
}
