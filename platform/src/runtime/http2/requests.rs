//! A connection of an HTTP listener that speaks HTTP/2.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::response::Response;
use futures::future::BoxFuture;
use http::{Request, header};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::rt::Executor;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, MissedTickBehavior, Sleep, interval, sleep_until};

use super::activity::{Activity, OpenRequest, Verdict};
use super::io::Http2Io;
use super::{KEEPALIVE_INTERVAL, KEEPALIVE_TIMEOUT, MAX_HEADER_LIST_BYTES, MAX_LOCAL_ERROR_RESETS};
use crate::fields;
use crate::runtime::connections::{BODY_PAUSE_TIMEOUT, ConnectionPermit, REQUEST_TIMEOUT};
use crate::runtime::hsts::secured;
use crate::runtime::rejections::{before_router, late};
use crate::runtime::request_id::identified;
use crate::runtime::{Peer, Tasks};

/// How often a connection is checked.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// How long the other requests of a connection may take when the client does not read one of its responses.
const STALLED_GRACE: Duration = Duration::from_secs(10);
/// Requests at a time on one connection, each of which may have a body and a response in memory.
const MAX_REQUESTS: u32 = 32;
/// The largest piece of a response that is given to the library: it keeps a piece as soon as the client reads one byte.
const MAX_PIECE_BYTES: usize = 16 * 1024;

/// Serves `router` on one connection until the client closes it, or `tasks` stop.
pub(in crate::runtime) async fn serve_connection<S>(
    (stream, peer): (S, Peer),
    place: ConnectionPermit,
    (router, is_over_tls): (Router, bool),
    tasks: Tasks,
) where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let activity = Activity::new();
    let service = Answers {
        router,
        is_over_limit: place.is_over_limit(),
        is_over_tls,
        peer,
        activity: activity.clone(),
    };
    let stopping = tasks.stopping();
    let connection = http2::Builder::new(Streams(tasks))
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_REQUESTS)
        .max_local_error_reset_streams(Some(MAX_LOCAL_ERROR_RESETS))
        .max_header_list_size(MAX_HEADER_LIST_BYTES)
        .max_send_buf_size(MAX_PIECE_BYTES)
        .keep_alive_interval(Some(KEEPALIVE_INTERVAL))
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
        .serve_connection(TokioIo::new(Http2Io::new(stream, place)), service);
    let mut connection = std::pin::pin!(connection);
    let mut check = interval(CHECK_INTERVAL);
    check.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut end: Option<Instant> = None;
    let ended = loop {
        let must_end = tokio::select! {
            biased;
            ended = connection.as_mut() => break ended,
            () = stopping.cancelled(), if end.is_none() => true,
            _ = check.tick() => activity.verdict(end.is_some()) != Verdict::Keep,
        };
        match end {
            _ if !must_end => {}
            None => {
                connection.as_mut().graceful_shutdown();
                end = Some(Instant::now() + STALLED_GRACE);
            }
            // An idle client that does not close after it was asked to, or one that does not read.
            Some(end) if Instant::now() >= end => break Ok(()),
            Some(_) => {}
        }
    };
    if let Err(error) = ended {
        tracing::debug!({ fields::ERROR } = %error, "a connection ended early");
    }
}

/// Runs each request as one of the listener's tasks.
#[derive(Clone)]
struct Streams(Tasks);

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Streams {
    fn execute(&self, stream: F) {
        self.0.spawn_job(stream);
    }
}

/// The service that answers the requests of one connection.
struct Answers {
    router: Router,
    is_over_limit: bool,
    is_over_tls: bool,
    peer: Peer,
    activity: Activity,
}

impl hyper::service::Service<Request<Incoming>> for Answers {
    type Response = Response<AnswerBody>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(self.peer);
        let open = self.activity.begin();
        let router = self.router.clone();
        let (is_over_limit, is_over_tls) = (self.is_over_limit, self.is_over_tls);
        Box::pin(async move {
            let answer =
                async |request: Request<Incoming>| match before_router(&request, is_over_limit) {
                    Some(rejection) => rejection,
                    None => answer(router, request).await,
                };
            let mut response = secured(identified(request, answer).await, is_over_tls);
            // Those of HTTP/1.1, for which these responses are made as well.
            response.headers_mut().remove(header::CONNECTION);
            open.read();
            Ok(response.map(|body| AnswerBody {
                body,
                rest: Bytes::new(),
                open,
            }))
        })
    }
}

async fn answer(mut router: Router, request: Request<Incoming>) -> Response {
    let is_late = Arc::new(AtomicBool::new(false));
    let request = request.map(|body| Body::new(TimedBody::new(body, Arc::clone(&is_late))));
    let Ok(response) = tower::Service::call(&mut router, request).await;
    if is_late.load(Ordering::Relaxed) {
        late()
    } else {
        response
    }
}

/// A request's body, which fails if it does not arrive in time.
struct TimedBody {
    body: Incoming,
    end: Instant,
    timeout: Option<Pin<Box<Sleep>>>,
    is_late: Arc<AtomicBool>,
}

impl TimedBody {
    fn new(body: Incoming, is_late: Arc<AtomicBool>) -> Self {
        Self {
            body,
            end: Instant::now() + REQUEST_TIMEOUT,
            timeout: None,
            is_late,
        }
    }
}

impl hyper::body::Body for TimedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) {
            this.timeout = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(axum::Error::new)));
        }
        let end = this.end.min(Instant::now() + BODY_PAUSE_TIMEOUT);
        let timeout = this
            .timeout
            .get_or_insert_with(|| Box::pin(sleep_until(end)));
        ready!(timeout.as_mut().poll(context));
        this.is_late.store(true, Ordering::Relaxed);
        let message = "the request did not arrive in time";
        Poll::Ready(Some(Err(axum::Error::new(message))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A response's body, in pieces that the client has room for. Its request is open until it is dropped.
struct AnswerBody {
    body: Body,
    /// What is left of the last part.
    rest: Bytes,
    open: OpenRequest,
}

impl hyper::body::Body for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        this.open.read();
        if this.rest.is_empty() {
            match ready!(Pin::new(&mut this.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(part) => this.rest = part,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                end => return Poll::Ready(end),
            }
        }
        let piece = this.rest.len().min(MAX_PIECE_BYTES);
        Poll::Ready(Some(Ok(Frame::data(this.rest.split_to(piece)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = u64::try_from(self.rest.len()).unwrap_or(u64::MAX);
        let mut hint = self.body.size_hint();
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint.set_lower(hint.lower().saturating_add(rest));
        hint
    }
}
