//! The settings of timeouts, retries and circuit breakers: one policy for each kind of call.

use std::time::Duration;

use grpc_calls::{BreakerPolicy, RetryPolicy};
use platform::config::{Read, Reader, names};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    pub write: RetryPolicy,
    /// Queries of a single entity.
    pub read: RetryPolicy,
    /// Queries of lists.
    pub list: RetryPolicy,
    /// Of each of the two services.
    pub breaker: BreakerPolicy,
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
        let failures = reader.get(&names::CLIENT_BREAKER_FAILURES);
        let open_for = reader.get(&names::CLIENT_BREAKER_OPEN_MS);
        let successes = reader.get(&names::CLIENT_BREAKER_SUCCESSES);
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
            breaker: BreakerPolicy {
                failures: failures?,
                open_for: open_for?,
                successes: successes?,
            },
        })
    }
}
