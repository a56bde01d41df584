//! HTTP/1.1 listeners.
//!
//! Uses hyper directly, because `axum::serve` limits neither the time that a client may take to send its request or
//! read the response, nor the number of connections.

mod framing;
mod io;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use futures::future::BoxFuture;
use http::{HeaderValue, Request, StatusCode, header};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use self::framing::Framing;
use self::io::{BodyError, Http1Io, Progress, ResponseGuard};
use super::bind::Bound;
use super::connections::{Admission, AdmittedStream, ConnectionLimits, ConnectionPermit};
use super::request_id::identified;
use super::{Peer, StartError, Tasks, host};
use crate::fields;
use crate::health::{HEALTH, LIVE, METRICS, READY};

/// Size limit of one request's headers.
const MAX_HEADER_BYTES: usize = 64 * 1024;

/// A bound address that does not accept connections yet.
#[derive(Debug)]
pub struct HttpListener(Bound);

impl HttpListener {
    /// Binds `address`, the value of the setting `name`.
    ///
    /// # Errors
    /// The address is in use, or does not belong to this machine.
    #[must_use]
    pub fn bind(
        name: &'static str,
        address: SocketAddr,
    ) -> BoxFuture<'static, Result<Self, StartError>> {
        Box::pin(async move { Bound::bind(name, address).await.map(Self) })
    }

    #[must_use]
    pub fn with_limits(self, limits: ConnectionLimits) -> Self {
        Self(self.0.with_limits(limits))
    }

    /// The address, with the actual port if port 0 was requested.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.0.address()
    }

    /// Serves `router` until `tasks` stop, then completes the open requests and closes idle connections.
    pub fn serve(self, router: Router, tasks: &Tasks) {
        let (listener, admission) = self.0.listen();
        tasks.spawn(
            "http listener",
            accept(listener, admission, router, tasks.clone()),
        );
    }
}

async fn accept(listener: TcpListener, admission: Admission, router: Router, tasks: Tasks) {
    let stopping = tasks.stopping();
    loop {
        let (stream, peer, place) = tokio::select! {
            () = stopping.cancelled() => return,
            accepted = admission.accept(&listener) => accepted,
        };
        tasks.spawn_job(serve_connection(
            (stream, peer),
            place,
            router.clone(),
            stopping.clone(),
        ));
    }
}

async fn serve_connection(
    (stream, peer): (TcpStream, Peer),
    place: ConnectionPermit,
    router: Router,
    stopping: CancellationToken,
) {
    let progress = Progress::default();
    let service = Answers {
        router,
        progress: progress.clone(),
        is_over_limit: place.is_over_limit(),
        peer,
    };
    let is_over_limit = place.is_over_limit();
    let mut end = place
        .end()
        .unwrap_or_else(|| futures::future::pending().boxed());
    // The stream holds the permit, because it outlives this task if the connection is upgraded to a WebSocket.
    let stream = AdmittedStream::new(stream, place);
    let io = TokioIo::new(Http1Io::new(stream, progress, stopping.clone()));
    let connection = http1::Builder::new()
        // `Http1Io` has its own timeouts for reads.
        .header_read_timeout(None)
        .max_buf_size(MAX_HEADER_BYTES)
        .keep_alive(!is_over_limit)
        .serve_connection(io, service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    // Biased: a request that arrived together with the connection is answered even if the connection must close now.
    let ended = tokio::select! {
        biased;
        ended = connection.as_mut() => ended,
        () = &mut end => Ok(()),
        () = stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = connection => ended,
                () = end => Ok(()),
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!({ fields::ERROR } = %error, "a connection ended early");
    }
}

/// The service that answers the requests of one connection.
struct Answers {
    router: Router,
    progress: Progress,
    is_over_limit: bool,
    peer: Peer,
}

impl hyper::service::Service<Request<Incoming>> for Answers {
    type Response = Response<AnswerBody>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(self.peer);
        let answering = self.progress.head_parsed(framing_of(request.body()));
        let router = self.router.clone();
        let is_over_limit = self.is_over_limit;
        let progress = self.progress.clone();
        Box::pin(async move {
            let answer = async |request: Request<Incoming>| match &answering {
                None => reject(StatusCode::BAD_REQUEST, "a line must end with CRLF\n"),
                Some(_) if !host::is_unambiguous(&request) => {
                    let message = "a request must have exactly one Host header\n";
                    (StatusCode::BAD_REQUEST, message).into_response()
                }
                Some(_) if is_over_limit && !is_for_operators(request.uri().path()) => over_limit(),
                Some(answering) => answer(router, request, answering).await,
            };
            let response = identified(request, answer).await;
            if response.status() == StatusCode::SWITCHING_PROTOCOLS {
                progress.upgraded();
            }
            Ok(response.map(|body| AnswerBody {
                body,
                _answering: answering,
            }))
        })
    }
}

async fn answer(
    mut router: Router,
    request: Request<Incoming>,
    answering: &ResponseGuard,
) -> Response {
    let Ok(response) = tower::Service::call(&mut router, request).await;
    match answering.flaw() {
        None => response,
        Some(BodyError::Late) => {
            let message = "the request did not arrive in time\n";
            reject(StatusCode::REQUEST_TIMEOUT, message)
        }
        Some(BodyError::Malformed) => reject(StatusCode::BAD_REQUEST, "the chunks are malformed\n"),
    }
}

fn framing_of(body: &Incoming) -> Framing {
    use hyper::body::Body;
    if body.is_end_stream() {
        return Framing::Length(0);
    }
    body.size_hint()
        .exact()
        .map_or(Framing::Chunked, Framing::Length)
}

fn is_for_operators(path: &str) -> bool {
    [HEALTH, LIVE, READY, METRICS].contains(&path)
}

fn over_limit() -> Response {
    let message = "there are too many connections\n";
    let mut response = reject(StatusCode::SERVICE_UNAVAILABLE, message);
    let soon = HeaderValue::from_static("1");
    response.headers_mut().insert(header::RETRY_AFTER, soon);
    response
}

/// An error response after which the connection is closed.
fn reject(status: StatusCode, message: &'static str) -> Response {
    let close = HeaderValue::from_static("close");
    (status, [(header::CONNECTION, close)], message).into_response()
}

/// A response's body. The timeout of the next request starts when it is dropped.
struct AnswerBody {
    body: Body,
    _answering: Option<ResponseGuard>,
}

impl hyper::body::Body for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
