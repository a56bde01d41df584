//! HTTP/1.1 connections.

mod framing;
mod io;

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use futures::FutureExt;
use futures::future::BoxFuture;
use http::{HeaderValue, Request, StatusCode, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

use self::framing::Framing;
use self::io::{BodyError, Http1Io, Progress, ResponseGuard};
use super::connections::{AdmittedStream, ConnectionPermit};
use super::guarded_body::GuardedBody;
use super::hsts::secured;
use super::rejections::{before_router, late, reject};
use super::request_id::identified;
use super::{Peer, Tasks};
use crate::fields;

/// Size limit of one request's headers.
const MAX_HEADER_BYTES: usize = 64 * 1024;

/// Serves `router` on one connection until the client closes it, or `tasks` stop. Once their stop is announced, each response
/// closes its connection: the client then opens another one, which a load balancer leads elsewhere, and does not send a request
/// on a connection that is being closed.
pub(super) async fn serve_connection<S>(
    (stream, peer): (S, Peer),
    place: ConnectionPermit,
    (router, is_over_tls): (Router, bool),
    tasks: &Tasks,
) where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let progress = Progress::default();
    let stopping = tasks.stopping();
    let service = Answers {
        router,
        draining: tasks.draining(),
        progress: progress.clone(),
        is_over_limit: place.is_over_limit(),
        is_over_tls,
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

/// A response's body. The timeout of the next request starts when it is dropped.
type AnswerBody = GuardedBody<Body, Option<ResponseGuard>>;

/// The service that answers the requests of one connection.
struct Answers {
    router: Router,
    draining: CancellationToken,
    progress: Progress,
    is_over_limit: bool,
    is_over_tls: bool,
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
        let (is_over_limit, is_over_tls) = (self.is_over_limit, self.is_over_tls);
        let (progress, draining) = (self.progress.clone(), self.draining.clone());
        Box::pin(async move {
            let answer = async |request: Request<Incoming>| match &answering {
                None => reject(StatusCode::BAD_REQUEST, "a line must end with CRLF\n"),
                Some(answering) => match before_router(&request, is_over_limit) {
                    Some(rejection) => rejection,
                    None => answer(router, request, answering).await,
                },
            };
            let mut response = secured(identified(request, answer).await, is_over_tls);
            if response.status() == StatusCode::SWITCHING_PROTOCOLS {
                progress.upgraded();
            } else if draining.is_cancelled() {
                let headers = response.headers_mut();
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            Ok(response.map(|body| GuardedBody::new(body, answering)))
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
        Some(BodyError::Late) => late(),
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
