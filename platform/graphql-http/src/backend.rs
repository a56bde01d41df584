//! What the edge asks of the system for a request as a whole.

use std::convert::Infallible;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use event_sourcing::CommandId;

use crate::errors::ApiError;
use crate::origin::Origin;

/// The right to execute a request, until it expires.
#[derive(Clone, Debug)]
pub struct Lease {
    /// Who sent the request.
    pub principal: String,
    /// Its Idempotency-Key.
    pub key: String,
    /// Distinguishes this claim from others of the key.
    pub token: String,
    /// How long it is valid unless renewed.
    pub duration: Duration,
    /// The request that holds the lease.
    pub origin: Origin,
}

/// The result of claiming a key.
#[derive(Debug)]
pub enum Claim {
    /// Execute the request under this seed.
    Fresh {
        /// The request's command ids are derived from it.
        seed: CommandId,
        /// Must be renewed while the request runs, and then finished.
        lease: Lease,
    },
    /// The stored response of an earlier request with the key.
    Again(Vec<u8>),
}

/// Stores the responses of requests with an Idempotency-Key, and knows the log's head.
#[async_trait]
pub trait Backend: fmt::Debug + Send + Sync {
    /// Claims `key` for a request with this hash.
    ///
    /// # Errors
    /// The key is in use, or belongs to another request, or the store does not answer.
    async fn begin(
        &self,
        origin: &Origin,
        principal: &str,
        key: &str,
        request_hash: Vec<u8>,
    ) -> Result<Claim, ApiError>;

    /// Renews a lease until the caller drops this future. A lost lease does no harm: should another process execute the
    /// request too, the event store recognises the command ids.
    async fn renew(&self, lease: &Lease) -> Infallible;

    /// Releases a lease, with the response to store if it is final. Returns whether the response may be sent: it is stored,
    /// or none is to be stored.
    ///
    /// The event store recognises commands that committed, but not those that were rejected or had nothing to do: executed
    /// again, they may have another result. So a response that may not be stored must not be sent.
    async fn finish(&self, lease: &Lease, answer: Option<Vec<u8>>) -> bool;

    /// Rejects a position that the log has not reached.
    ///
    /// # Errors
    /// The position is above the head, or the log does not answer.
    async fn require_position(&self, origin: &Origin, position: u64) -> Result<(), ApiError>;
}
