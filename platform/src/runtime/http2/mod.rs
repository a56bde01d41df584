//! HTTP/2: gRPC listeners, and the connections of HTTP listeners that chose it, with limits that the libraries do not set.

mod activity;
mod frames;
mod io;
mod requests;

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::Request;
use futures::{Stream, StreamExt};
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::service::Routes;
use tonic::transport::Server;
use tower::filter::FilterLayer;

use self::io::{Connection, Http2Io};
use super::Tasks;
use super::connections::{Transport, handshake};
use super::listener::{Listener, ListenerKind, Listening};
use crate::fields;
use crate::tls::Protocols;

pub(super) use self::requests::serve_connection;

/// Size limit of requests: `max_decoding_message_size` of every generated server.
pub const MAX_DECODED_BYTES: usize = 256 * 1024;
/// Size limit of responses: `max_encoding_message_size` of every generated server, and the clients' decoding limit.
pub const MAX_ENCODED_BYTES: usize = 4 * 1024 * 1024;

/// Concurrent streams per connection, as advertised to clients; a compliant client waits for a free one.
pub(super) const MAX_CONCURRENT_STREAMS: u32 = 100;
/// Concurrent requests per connection, as enforced; requests of a client that does not wait are rejected.
const CONCURRENCY_PER_CONNECTION: usize = 100;
/// Streams that a peer may make us reset before the connection is closed (CVE-2025-8671).
const MAX_LOCAL_ERROR_RESETS: usize = 128;
/// Upper bound of the timeout of every call.
pub(super) const MAX_CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// Calls that a client may cancel before they are accepted here; above that its connection is closed, which fails all of its
/// other calls (CVE-2023-44487). The library's 20 are fewer than a gateway cancels when some of its clients leave.
const MAX_PENDING_RESETS: usize = 1_000;
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_HEADER_LIST_BYTES: u32 = 64 * 1024;
/// The only method that connections over the limit may call.
const HEALTH_CHECK: &str = "/grpc.health.v1.Health/Check";

/// gRPC, which is HTTP/2 with TLS or without.
#[derive(Debug)]
pub struct Grpc;

impl ListenerKind for Grpc {
    const PROTOCOLS: Protocols = Protocols::Grpc;
}

/// A bound address for gRPC.
pub type GrpcListener = Listener<Grpc>;

impl GrpcListener {
    /// Serves `routes` until `tasks` stop, and then completes the open requests.
    pub fn serve(self, routes: Routes, tasks: &Tasks) {
        let stopping = tasks.stopping();
        let incoming = incoming(self.listen(tasks), stopping.clone());
        let server = server()
            .layer(FilterLayer::new(require_place))
            .add_routes(routes)
            .serve_with_incoming_shutdown(incoming, stopping.cancelled_owned());
        tasks.spawn("grpc listener", async move {
            if let Err(error) = server.await {
                tracing::error!({ fields::ERROR } = %error, "the gRPC listener failed");
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
        .http2_max_pending_accept_reset_streams(Some(MAX_PENDING_RESETS))
        .http2_max_header_list_size(MAX_HEADER_LIST_BYTES)
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .timeout(MAX_CALL_TIMEOUT)
}

/// The connections, each after its handshake. Handshakes do not wait for each other; how many there are at a time is limited by
/// the listener's admission.
fn incoming(
    listening: Listening,
    stopping: CancellationToken,
) -> impl Stream<Item = Result<Http2Io<Transport>, Infallible>> {
    let Listening {
        listener,
        admission,
        tls,
    } = listening;
    let accepted = futures::stream::unfold((listener, admission), async |(listener, admission)| {
        let (stream, _, place) = admission.accept(&listener).await;
        Some(((stream, place), (listener, admission)))
    });
    let secured = accepted.map(move |(stream, place)| {
        let (tls, stopping) = (tls.clone(), stopping.clone());
        async move {
            let stream = handshake(tls.as_ref(), stream, &place, &stopping).await?;
            Some(Ok(Http2Io::new(stream, place)))
        }
    });
    secured
        .buffer_unordered(usize::MAX)
        .filter_map(std::future::ready)
        .boxed()
}

/// The stream of one connection, as the library has it.
#[cfg(feature = "testing")]
pub(super) fn guarded<S>(
    stream: S,
    place: super::connections::ConnectionPermit,
) -> impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin,
{
    Http2Io::new(stream, place)
}

/// Rejects calls that connections over the limit may not make.
fn require_place<B>(request: Request<B>) -> Result<Request<B>, Status> {
    let connection = request.extensions().get::<Connection>();
    let is_over_limit = connection.is_some_and(|connection| connection.is_over_limit);
    if is_over_limit && request.uri().path() != HEALTH_CHECK {
        return Err(Status::unavailable("there are too many connections"));
    }
    Ok(request)
}
