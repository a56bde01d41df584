//! One client for each service: a deadline over all tries, and tries only where they are safe.
//!
//! A write carries a command id, so sending it again cannot do it twice; a read changes nothing. What the read
//! side answers about a position that it has not reached is an answer, not a failure, and is not tried again.

mod call;
mod command;
mod health;
mod idempotency;
mod journal;
pub(crate) mod loaders;
mod order_command;
mod order_query;
mod origin;
mod policy;
pub(crate) mod probes;
mod query;
mod request_context;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use platform::runtime::GrpcChannel;

pub use command::Left;
pub use health::{Service, ServiceHealth, ServiceReport};
pub use idempotency::{Begun, Lease};
pub use journal::{Entry, verdict};
pub use origin::Origin;
pub use policy::{Policy, Tries};
pub use request_context::RequestContext;

/// Where the two services are.
#[derive(Clone, Debug)]
pub struct Channels {
    /// To the command-service.
    pub command: GrpcChannel,
    /// To the query-service.
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

    fn channels(&self) -> &Channels {
        &self.shared.channels
    }

    fn policy(&self) -> &Policy {
        &self.shared.policy
    }

    /// Notes a position that exists.
    pub(crate) fn saw(&self, position: u64) {
        if self.shared.seen.load(Relaxed) < position {
            self.shared.seen.fetch_max(position, Relaxed);
        }
    }

    /// Whether a position is known to exist. False means that the write side must be asked.
    fn has_seen(&self, position: u64) -> bool {
        self.shared.seen.load(Relaxed) >= position
    }
}
