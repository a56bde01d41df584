//! The connections to the two services.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use authentication::CallSigner;
use graphql_http::Origin;
use grpc_calls::{BreakerState, CircuitBreaker};
use platform::fields;
use platform::runtime::GrpcChannel;
use tokio::sync::{Semaphore, SemaphorePermit};
use tonic::metadata::MetadataMap;

use super::policy::Policy;

/// The maximum number of pages of changes that are read at the same time.
const MAX_PAGES: usize = 16;

/// Channels to the two services.
#[derive(Clone, Debug)]
pub struct Channels {
    pub command: GrpcChannel,
    pub query: GrpcChannel,
}

/// The two services. Cheap to clone; clones share their state.
#[derive(Clone, Debug)]
pub struct Services {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    channels: Channels,
    policy: Policy,
    signer: CallSigner,
    breakers: Breakers,
    /// The highest position of any reply: a lower bound of the log's head.
    seen: AtomicU64,
    /// Pages of changes that are read at the same time.
    pages: Semaphore,
}

/// One does not answer while the other one does.
#[derive(Debug)]
pub(super) struct Breakers {
    pub command: CircuitBreaker,
    pub query: CircuitBreaker,
}

fn log_change(service: &str, state: BreakerState) {
    match state {
        BreakerState::Open => tracing::warn!(
            { fields::PEER_SERVICE } = service,
            "calls are suspended: the service does not answer"
        ),
        BreakerState::Closed => tracing::info!(
            { fields::PEER_SERVICE } = service,
            "calls are sent again: the service answers"
        ),
        BreakerState::HalfOpen => {}
    }
}

impl Services {
    #[must_use]
    pub fn new(channels: Channels, policy: Policy, signer: CallSigner) -> Self {
        Self {
            shared: Arc::new(Shared {
                channels,
                breakers: Breakers {
                    command: CircuitBreaker::new("command-service", policy.breaker, log_change),
                    query: CircuitBreaker::new("query-service", policy.breaker, log_change),
                },
                policy,
                signer,
                seen: AtomicU64::new(0),
                pages: Semaphore::new(MAX_PAGES),
            }),
        }
    }

    pub(super) fn channels(&self) -> &Channels {
        &self.shared.channels
    }

    pub(super) fn breakers(&self) -> &Breakers {
        &self.shared.breakers
    }

    pub(super) fn policy(&self) -> &Policy {
        &self.shared.policy
    }

    /// Sets the metadata that every call carries: for whom it is made, and where it comes from.
    pub(super) fn annotate(&self, origin: &Origin, metadata: &mut MetadataMap) {
        origin.annotate(metadata);
        self.shared.signer.sign(origin.caller(), metadata);
    }

    /// A permit to read a page of changes; `None` never happens, as the semaphore is not closed.
    pub(crate) async fn page_permit(&self) -> Option<SemaphorePermit<'_>> {
        self.shared.pages.acquire().await.ok()
    }

    /// Records a position that exists in the log.
    pub(crate) fn record_position(&self, position: u64) {
        if self.shared.seen.load(Relaxed) < position {
            self.shared.seen.fetch_max(position, Relaxed);
        }
    }

    /// Whether a position is known to exist. If false, the write side must be asked for the head.
    pub(super) fn is_known_position(&self, position: u64) -> bool {
        self.shared.seen.load(Relaxed) >= position
    }
}
