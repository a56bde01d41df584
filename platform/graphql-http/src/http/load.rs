//! How much is executed at the same time.
//!
//! A request beyond the limit is rejected at once, before any service is called: waiting requests would take memory, and be
//! answered after their clients have given up.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::errors::{ApiError, Code};

const RETRY_AFTER_SECONDS: u64 = 1;

/// The units of all requests that are executed at the same time: 1 for each, and more for long lists.
#[derive(Debug)]
pub struct LoadLimit {
    units: u32,
    free: Arc<Semaphore>,
}

impl LoadLimit {
    #[must_use]
    pub fn new(units: u32) -> Self {
        // A counter that first appears with value 1 hides its first event from `rate()`.
        metrics::counter!("graphql_shed_total").increment(0);
        let free = usize::try_from(units).unwrap_or(usize::MAX);
        Self {
            units,
            free: Arc::new(Semaphore::new(free.min(Semaphore::MAX_PERMITS))),
        }
    }

    /// Admits a request until the permit is dropped. One that costs more than the limit is admitted if nothing else is executed.
    ///
    /// # Errors
    /// Too much is executed already.
    pub fn admit(&self, units: u32) -> Result<OwnedSemaphorePermit, ApiError> {
        let permit = Arc::clone(&self.free).try_acquire_many_owned(units.min(self.units));
        permit.map_err(|_| {
            metrics::counter!("graphql_shed_total").increment(1);
            ApiError {
                retry_after: Some(RETRY_AFTER_SECONDS),
                ..ApiError::new(Code::ServiceUnavailable, "the gateway is busy")
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::LoadLimit;
    use crate::errors::Code;

    #[test]
    fn a_request_is_admitted_while_there_is_room() {
        let limit = LoadLimit::new(10);
        let first = limit.admit(7).expect("room");
        let second = limit.admit(3).expect("room");
        let error = limit.admit(1).expect_err("no room");
        assert_eq!(
            (error.code, error.retry_after),
            (Code::ServiceUnavailable, Some(1))
        );
        drop(first);
        drop(limit.admit(7).expect("room again"));
        assert!(limit.admit(11).is_err());
        drop(second);
        drop(limit.admit(11).expect("alone, whatever it costs"));
    }
}
