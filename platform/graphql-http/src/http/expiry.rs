//! The end of a connection at the expiry of its token.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// When a connection ends; never, if its client has no token.
#[derive(Clone, Copy, Debug)]
pub struct Expiry(Option<Instant>);

impl Expiry {
    /// After this time. One that is too far to be represented never comes.
    pub fn after(left: Option<Duration>) -> Self {
        Self(left.and_then(|left| Instant::now().checked_add(left)))
    }

    /// Waits for it.
    pub async fn reached(self) {
        match self.0 {
            Some(at) => sleep_until(at).await,
            None => std::future::pending().await,
        }
    }
}
