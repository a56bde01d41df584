//! gRPC listeners, with the limits that the library leaves open.

mod frames;
mod io;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use futures::Stream;
use futures::future::BoxFuture;
use tokio::net::{TcpListener, TcpStream};
use tonic::Status;
use tonic::service::Routes;
use tonic::transport::Server;

use self::io::{Connection, Http2Io};
use super::bind::Bound;
use super::connections::{Admission, ConnectionLimits};
use super::{StartError, Tasks};
use crate::fields;

/// The largest request that a service reads: `max_decoding_message_size` of every generated server.
pub const MAX_DECODED_BYTES: usize = 256 * 1024;
/// The largest answer that a service writes: `max_encoding_message_size` of every generated server, and what
/// clients read.
pub const MAX_ENCODED_BYTES: usize = 4 * 1024 * 1024;

/// Requests at a time on one connection; a client that knows its place waits for a free one.
const MAX_CONCURRENT_STREAMS: u32 = 100;
/// Requests of one connection that run at a time; those of a client that does not wait are refused.
const CONCURRENCY_PER_CONNECTION: usize = 100;
/// Streams that a peer made us reset before the connection is closed (CVE-2025-8671).
const MAX_LOCAL_ERROR_RESETS: usize = 128;
/// The longest deadline that a client gets.
pub(super) const DEADLINE_CAP: Duration = Duration::from_secs(10);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_HEADER_LIST_BYTES: u32 = 64 * 1024;
/// What connections over the limit may call.
const HEALTH_CHECK: &str = "/grpc.health.v1.Health/Check";

/// A bound address that does not answer yet.
#[derive(Debug)]
pub struct GrpcListener(Bound);

impl GrpcListener {
    /// Binds `address`, which the setting `name` gave.
    ///
    /// # Errors
    /// The address is taken, or not this machine's.
    #[must_use]
    pub fn bind(
        name: &'static str,
        address: SocketAddr,
    ) -> BoxFuture<'static, Result<Self, StartError>> {
        Box::pin(async move { Bound::bind(name, address).await.map(Self) })
    }

    /// The same with these limits.
    #[must_use]
    pub fn with_limits(self, limits: ConnectionLimits) -> Self {
        Self(self.0.with_limits(limits))
    }

    /// The address, with the port that the system chose if it was asked for port 0.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.0.address()
    }

    /// Serves `routes` until `tasks` stop; then open requests end.
    pub fn serve(self, routes: Routes, tasks: &Tasks) {
        let (listener, admission) = self.0.listen();
        let incoming = incoming(listener, admission);
        let routes = routes.into_axum_router().layer(from_fn(require_place));
        let stopping = tasks.stopping();
        let server = server()
            .add_routes(Routes::from(routes))
            .serve_with_incoming_shutdown(incoming, stopping.cancelled_owned());
        tasks.spawn("grpc listener", async move {
            if let Err(error) = server.await {
                tracing::error!({ fields::ERROR } = %error, "gRPC is not served any more");
            }
        });
    }
}

fn server() -> Server {
    Server::builder()
        .max_concurrent_streams(MAX_CONCURRENT_STREAMS)
        .concurrency_limit_per_connection(CONCURRENCY_PER_CONNECTION)
        .load_shed(true)
        .http2_max_local_error_reset_streams(Some(MAX_LOCAL_ERROR_RESETS))
        .http2_max_header_list_size(MAX_HEADER_LIST_BYTES)
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .timeout(DEADLINE_CAP)
}

fn incoming(
    listener: TcpListener,
    admission: Admission,
) -> impl Stream<Item = Result<Http2Io<TcpStream>, Infallible>> {
    futures::stream::unfold((listener, admission), async |(listener, admission)| {
        let (stream, place) = admission.accept(&listener).await;
        Some((Ok(Http2Io::new(stream, place)), (listener, admission)))
    })
}

/// Answers what connections over the limit may not call.
async fn require_place(request: Request, next: Next) -> Response {
    let connection = request.extensions().get::<Connection>();
    let is_over_limit = connection.is_some_and(|connection| connection.is_over_limit);
    if is_over_limit && request.uri().path() != HEALTH_CHECK {
        return Status::unavailable("there are too many connections").into_http();
    }
    next.run(request).await
}
