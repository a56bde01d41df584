//! What subscriptions follow, and the limits of their connections.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures::future::BoxFuture;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::authentication::Authentication;
use super::outbox::Outbox;
use super::responder::Responder;
use super::response::HttpResponse;
use crate::errors::{ApiError, Code};
use crate::graphql::Prepared;
use crate::origin::Origin;
use crate::persisted::PersistedOperations;

/// The source of the messages of subscriptions. How changes are found, and what a message contains, is the user's; the
/// edge has the transports: `WebSockets` and event streams.
#[async_trait]
pub trait Subscriptions: fmt::Debug + Send + Sync {
    /// Starts a subscription, and returns a future that runs it. The future never ends before it is dropped.
    ///
    /// # Errors
    /// The operation is invalid, or its source does not answer.
    async fn subscribe(
        &self,
        responder: &Arc<Responder>,
        start: SubscriptionStart,
    ) -> Result<BoxFuture<'static, ()>, Rejected>;
}

/// A subscription that starts.
#[derive(Debug)]
pub struct SubscriptionStart {
    /// Its operation.
    pub request: Prepared,
    /// The request that opened the connection.
    pub origin: Origin,
    /// The number of the operation on its connection, which its messages carry.
    pub operation: u64,
    /// Where its messages go.
    pub outbox: Outbox,
    /// The position at which a lost connection resumes, `Last-Event-ID`. It takes precedence over the operation's argument.
    pub resumed: Option<u64>,
    /// The position that the client knows, `X-Min-Position`. Without another position the subscription starts there.
    pub minimum: Option<u64>,
}

/// Why a subscription was not started.
#[derive(Debug)]
pub enum Rejected {
    /// It was rejected before its operation was executed.
    Early(ApiError),
    /// Its operation failed.
    Executed(Box<HttpResponse>),
}

/// The limits of connections that carry subscriptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketLimits {
    /// `WebSockets` and event streams of the process.
    pub sockets: usize,
    /// Subscriptions of the process.
    pub subscriptions: usize,
    /// Operations of one `WebSocket` at the same time.
    pub operations: usize,
}

/// The source of subscriptions with its limits.
#[derive(Debug)]
pub struct Hub {
    responder: Arc<Responder>,
    operations: Arc<PersistedOperations>,
    source: Arc<dyn Subscriptions>,
    sockets: Arc<Semaphore>,
    subscriptions: Arc<Semaphore>,
    limits: SocketLimits,
    authentication: Authentication,
}

/// An open connection, until it is dropped.
#[derive(Debug)]
pub struct SocketPermit {
    transport: &'static str,
    _permit: OwnedSemaphorePermit,
}

impl Drop for SocketPermit {
    fn drop(&mut self) {
        metrics::gauge!("graphql_sockets", "transport" => self.transport).decrement(1);
    }
}

/// Counts a subscription until it is dropped.
#[derive(Debug)]
struct SubscriptionPermit {
    _permit: OwnedSemaphorePermit,
}

impl SubscriptionPermit {
    fn new(permit: OwnedSemaphorePermit) -> Self {
        metrics::gauge!("graphql_subscriptions").increment(1);
        Self { _permit: permit }
    }
}

impl Drop for SubscriptionPermit {
    fn drop(&mut self) {
        metrics::gauge!("graphql_subscriptions").decrement(1);
    }
}

impl Hub {
    pub fn new(
        responder: Arc<Responder>,
        operations: Arc<PersistedOperations>,
        authentication: Authentication,
        source: Arc<dyn Subscriptions>,
        limits: SocketLimits,
    ) -> Self {
        Self {
            responder,
            operations,
            source,
            sockets: Arc::new(Semaphore::new(limits.sockets)),
            subscriptions: Arc::new(Semaphore::new(limits.subscriptions)),
            limits,
            authentication,
        }
    }

    pub const fn authentication(&self) -> &Authentication {
        &self.authentication
    }

    pub const fn limits(&self) -> &SocketLimits {
        &self.limits
    }

    pub fn operations(&self) -> &PersistedOperations {
        &self.operations
    }

    pub fn responder(&self) -> &Arc<Responder> {
        &self.responder
    }

    /// Counts a connection.
    ///
    /// # Errors
    /// There are too many.
    pub fn open_socket(&self, transport: &'static str) -> Result<SocketPermit, ApiError> {
        let permit = Arc::clone(&self.sockets).try_acquire_owned();
        let permit = permit.map_err(|_| too_many("connections with subscriptions"))?;
        metrics::gauge!("graphql_sockets", "transport" => transport).increment(1);
        Ok(SocketPermit {
            transport,
            _permit: permit,
        })
    }

    /// Starts a subscription, which is counted until the returned future is dropped.
    ///
    /// # Errors
    /// There are too many, or it is rejected.
    pub async fn subscribe(
        &self,
        start: SubscriptionStart,
    ) -> Result<BoxFuture<'static, ()>, Rejected> {
        let permit = Arc::clone(&self.subscriptions).try_acquire_owned();
        let counted = SubscriptionPermit::new(
            permit.map_err(|_| Rejected::Early(too_many("subscriptions")))?,
        );
        let running = self.source.subscribe(&self.responder, start).await?;
        Ok(Box::pin(async move {
            let _counted = counted;
            running.await;
        }))
    }
}

fn too_many(what: &str) -> ApiError {
    ApiError::new(
        Code::ServiceUnavailable,
        format!("there are too many {what}"),
    )
}
