//! The two services.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use platform::runtime::GrpcChannel;

use super::policy::Policy;

/// Where the two services are.
#[derive(Clone, Debug)]
pub struct Channels {
    pub command: GrpcChannel,
    pub query: GrpcChannel,
}

/// The two services. Cheap to clone; all clones are one.
#[derive(Clone, Debug)]
pub struct Services {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    channels: Channels,
    policy: Policy,
    /// The highest position seen in any answer: the head is not below it.
    seen: AtomicU64,
}

impl Services {
    /// Clients over these channels.
    #[must_use]
    pub fn new(channels: Channels, policy: Policy) -> Self {
        Self {
            shared: Arc::new(Shared {
                channels,
                policy,
                seen: AtomicU64::new(0),
            }),
        }
    }

    pub(super) fn channels(&self) -> &Channels {
        &self.shared.channels
    }

    pub(super) fn policy(&self) -> &Policy {
        &self.shared.policy
    }

    /// Notes a position that exists.
    pub(crate) fn saw(&self, position: u64) {
        if self.shared.seen.load(Relaxed) < position {
            self.shared.seen.fetch_max(position, Relaxed);
        }
    }

    /// Whether a position is known to exist. False means that the write side must be asked.
    pub(super) fn has_seen(&self, position: u64) -> bool {
        self.shared.seen.load(Relaxed) >= position
    }
}
