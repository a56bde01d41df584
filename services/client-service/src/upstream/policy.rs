//! Timeouts and retries of calls.

use std::time::Duration;

use event_sourcing::Backoff;
use platform::config::{Read, Reader, names};

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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    pub write: RetryPolicy,
    /// Queries of a single entity.
    pub read: RetryPolicy,
    /// Queries of lists.
    pub list: RetryPolicy,
}

impl Policy {
    /// # Errors
    /// A setting does not parse.
    pub fn read(reader: &mut Reader) -> Read<Self> {
        let write_limit = reader.get(&names::CLIENT_WRITE_TRIES);
        let read_limit = reader.get(&names::CLIENT_READ_TRIES);
        let write_timeout = reader.get(&names::CLIENT_WRITE_TIMEOUT_MS);
        let read_timeout = reader.get(&names::CLIENT_READ_TIMEOUT_MS);
        let list_timeout = reader.get(&names::CLIENT_LIST_TIMEOUT_MS);
        let read_limit = read_limit?;
        let reading = |timeout| RetryPolicy {
            limit: read_limit,
            first_pause: Duration::from_millis(50),
            timeout,
        };
        Ok(Self {
            write: RetryPolicy {
                limit: write_limit?,
                first_pause: Duration::from_millis(200),
                timeout: write_timeout?,
            },
            read: reading(read_timeout?),
            list: reading(list_timeout?),
        })
    }
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
