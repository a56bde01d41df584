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
use http::{HeaderMap, Request, StatusCode, header};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::rt::Executor;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, MissedTickBehavior, Sleep, interval, sleep_until};

use super::activity::{Activity, OpenRequest, Verdict};
use super::io::Http2Io;
use super::{
    KEEPALIVE_INTERVAL, KEEPALIVE_TIMEOUT, MAX_CONCURRENT_STREAMS, MAX_HEADER_LIST_BYTES,
    MAX_LOCAL_ERROR_RESETS,
};
use crate::fields;
use crate::runtime::connections::ConnectionPermit;
use crate::runtime::rejections::{is_for_operators, over_limit, reject};
use crate::runtime::request_id::identified;
use crate::runtime::{Peer, Tasks};

/// The maximum pause within a body.
const BODY_PAUSE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client may take to send a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// How often a connection is looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);
const EVENT_STREAM: &[u8] = b"text/event-stream";
/// How much of a response the library takes before the client has received what came before.
const MAX_SEND_BUFFER_BYTES: usize = 64 * 1024;

/// Serves `router` on one connection until the client closes it, or `tasks` stop.
pub(in crate::runtime) async fn serve_connection<S>(
    (stream, peer): (S, Peer),
    place: ConnectionPermit,
    router: Router,
    tasks: Tasks,
) where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let activity = Activity::new();
    let service = Answers {
        router,
        is_over_limit: place.is_over_limit(),
        peer,
        activity: activity.clone(),
    };
    let stopping = tasks.stopping();
    let connection = http2::Builder::new(Streams(tasks))
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_CONCURRENT_STREAMS)
        .max_local_error_reset_streams(Some(MAX_LOCAL_ERROR_RESETS))
        .max_header_list_size(MAX_HEADER_LIST_BYTES)
        .max_send_buf_size(MAX_SEND_BUFFER_BYTES)
        .keep_alive_interval(Some(KEEPALIVE_INTERVAL))
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
        .serve_connection(TokioIo::new(Http2Io::new(stream, place)), service);
    let mut connection = std::pin::pin!(connection);
    let mut look = interval(LOOK_INTERVAL);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_ending = false;
    let ended = loop {
        tokio::select! {
            biased;
            ended = connection.as_mut() => break ended,
            () = stopping.cancelled(), if !is_ending => {
                connection.as_mut().graceful_shutdown();
                is_ending = true;
            }
            _ = look.tick() => match activity.verdict() {
                Verdict::Keep => {}
                Verdict::Idle if !is_ending => {
                    connection.as_mut().graceful_shutdown();
                    is_ending = true;
                }
                // An idle client that does not close after it was asked to.
                Verdict::Idle | Verdict::Stalled => break Ok(()),
            },
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
        let is_over_limit = self.is_over_limit;
        Box::pin(async move {
            let answer = async |request: Request<Incoming>| {
                if is_over_limit && !is_for_operators(request.uri().path()) {
                    over_limit()
                } else {
                    answer(router, request).await
                }
            };
            let mut response = identified(request, answer).await;
            // Those of HTTP/1.1, for which these responses are made as well.
            response.headers_mut().remove(header::CONNECTION);
            if !is_event_stream(response.headers()) {
                open.answered();
            }
            Ok(response.map(|body| AnswerBody { body, _open: open }))
        })
    }
}

/// Whether a response lasts for as long as its client likes.
fn is_event_stream(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE);
    content_type.is_some_and(|content_type| content_type.as_bytes().starts_with(EVENT_STREAM))
}

async fn answer(mut router: Router, request: Request<Incoming>) -> Response {
    let is_late = Arc::new(AtomicBool::new(false));
    let request = request.map(|body| Body::new(TimedBody::new(body, Arc::clone(&is_late))));
    let Ok(response) = tower::Service::call(&mut router, request).await;
    if is_late.load(Ordering::Relaxed) {
        let message = "the request did not arrive in time\n";
        return reject(StatusCode::REQUEST_TIMEOUT, message);
    }
    response
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
            end: Instant::now() + BODY_TIMEOUT,
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

/// A response's body. Its request is open until it is dropped.
struct AnswerBody {
    body: Body,
    _open: OpenRequest,
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
