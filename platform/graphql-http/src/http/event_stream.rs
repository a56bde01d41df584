//! GraphQL over server-sent events: the protocol graphql-sse in distinct connections mode.
//!
//! Each event of a subscription has the position of its change as its id. A browser that reconnects sends the last one, so
//! that it continues with the next change.

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use platform::Tasks;
use tokio::time::{Instant, Interval, interval_at};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::accept::Accept;
use super::expiry::Expiry;
use super::headers::{only, position};
use super::outbox::{Inbox, Item};
use super::response::{HttpResponse, MIN_POSITION};
use super::subscriptions::SocketPermit;
use crate::errors::ApiError;

/// The media type.
pub const MEDIA_TYPE: &str = "text/event-stream";

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Proxies and clients close silent connections.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(12);

/// Whether the client asks for an event stream.
#[must_use]
pub fn is_requested(headers: &HeaderMap) -> bool {
    Accept::of(headers).names(MEDIA_TYPE)
}

/// The position at which a client resumes that has lost its connection.
///
/// # Errors
/// It is not a position, or there is more than one.
pub fn last_event(headers: &HeaderMap) -> Result<Option<u64>, ApiError> {
    const SHOWN: &str = "Last-Event-ID";
    let value = only(headers, LAST_EVENT_ID, SHOWN)?;
    // Without the id of an event some clients send an empty one.
    let value = value.filter(|value| !value.is_empty());
    value.map(|value| position(value, SHOWN)).transpose()
}

/// A response with one result.
#[must_use]
pub fn single(answer: &HttpResponse) -> Response {
    let mut events = event(None, &answer.body);
    events.extend_from_slice(COMPLETE);
    let mut response = response(Body::from(events));
    if let Some(position) = answer.position {
        let headers = response.headers_mut();
        headers.insert(MIN_POSITION, HeaderValue::from(position));
    }
    response
}

/// A response with the messages of a subscription, for as long as the client's token is valid.
#[must_use]
pub fn messages(
    tasks: &Tasks,
    (inbox, running): (Inbox, BoxFuture<'static, ()>),
    permit: SocketPermit,
    expiry: Option<Duration>,
) -> Response {
    let cancelled = CancellationToken::new();
    let guard = cancelled.clone().drop_guard();
    let too_slow = inbox.too_slow();
    let given_up = too_slow.clone();
    // A response that its client does not read is not polled, so that it could not end the subscription.
    tasks.spawn_job(async move {
        tokio::select! {
            () = cancelled.cancelled() => {}
            () = given_up.cancelled() => {}
            () = running => {}
        }
    });
    let events = Events {
        too_slow,
        stopping: tasks.stopping(),
        inbox,
        keep_alive: interval_at(Instant::now(), KEEP_ALIVE_INTERVAL),
        expiry: Expiry::after(expiry),
        is_complete: false,
        _running: guard,
        _permit: permit,
    };
    let events = stream::unfold(Box::new(events), async |mut events| {
        let next = events.next().await?;
        Some((Ok::<Bytes, std::convert::Infallible>(next), events))
    });
    response(Body::from_stream(events))
}

fn response(body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    let media = HeaderValue::from_static("text/event-stream; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, media);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Tells proxies not to buffer.
    let buffering = HeaderName::from_static("x-accel-buffering");
    headers.insert(buffering, HeaderValue::from_static("no"));
    response
}

struct Events {
    inbox: Inbox,
    too_slow: CancellationToken,
    stopping: CancellationToken,
    keep_alive: Interval,
    expiry: Expiry,
    is_complete: bool,
    _running: DropGuard,
    _permit: SocketPermit,
}

impl Events {
    /// The next events; `None` ends the connection. Without a final event the client reconnects and resumes.
    async fn next(&mut self) -> Option<Bytes> {
        if self.is_complete {
            return Self::end("complete");
        }
        tokio::select! {
            () = self.stopping.cancelled() => Self::end("1001"),
            () = self.too_slow.cancelled() => Self::end("4410"),
            () = self.expiry.reached() => Self::end("4403"),
            item = self.inbox.next() => Some(self.event(&item?).into()),
            _ = self.keep_alive.tick() => Some(Bytes::from_static(b":\n\n")),
        }
    }

    fn end(code: &'static str) -> Option<Bytes> {
        metrics::counter!("graphql_sockets_closed_total", "transport" => "sse", "code" => code)
            .increment(1);
        None
    }

    fn event(&mut self, item: &Item) -> Vec<u8> {
        match item {
            Item::Next { position, body, .. } => event(*position, body),
            Item::Error { body, .. } => {
                self.is_complete = true;
                let mut events = event(None, &[b"{\"errors\":", &body[..], b"}"].concat());
                events.extend_from_slice(COMPLETE);
                events
            }
            Item::Complete { .. } => {
                self.is_complete = true;
                COMPLETE.to_vec()
            }
        }
    }
}

/// Browsers ignore an event without data.
const COMPLETE: &[u8] = b"event: complete\ndata:\n\n";

/// The JSON of a body has no line breaks.
fn event(position: Option<u64>, body: &[u8]) -> Vec<u8> {
    let id = position.map(|position| format!("id: {position}\n"));
    let id = id.unwrap_or_default();
    [id.as_bytes(), b"event: next\ndata: ", body, b"\n\n"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errors::Code;

    #[test]
    fn an_event_has_its_position_as_id() {
        assert_eq!(
            event(Some(7), b"{}"),
            b"id: 7\nevent: next\ndata: {}\n\n".to_vec()
        );
        assert_eq!(event(None, b"{}"), b"event: next\ndata: {}\n\n".to_vec());
    }

    #[test]
    fn an_event_stream_must_be_named() {
        let with =
            |accept| HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]);
        assert!(is_requested(&with("text/event-stream")));
        assert!(is_requested(&with(
            "application/json, Text/Event-Stream; q=0.5"
        )));
        assert!(!is_requested(&with("*/*")));
        assert!(!is_requested(&with("text/event-stream;q=0")));
        assert!(!is_requested(&HeaderMap::new()));
    }

    #[test]
    fn the_last_event_is_a_position() {
        let last = |id| {
            last_event(&HeaderMap::from_iter([(
                LAST_EVENT_ID,
                HeaderValue::from_static(id),
            )]))
        };
        assert_eq!(last_event(&HeaderMap::new()), Ok(None));
        assert_eq!(last(""), Ok(None));
        assert_eq!(last("42"), Ok(Some(42)));
        for bad in ["x", "-1", "+1", "9223372036854775808"] {
            let error = last(bad).expect_err(bad);
            assert_eq!(error.code, Code::BadRequest);
            let given = format!("got \"{bad}\"");
            assert!(error.message.ends_with(&given), "{}", error.message);
        }
    }
}
