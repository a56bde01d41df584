//! HTTP listeners.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use hyper::body::Frame;
use platform::Tasks;
use platform::runtime::ConnectionLimits;
use platform::tls::ClientTls;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::support::{
    self, Connected, HOST, World, body, client_tls, connect, http1, http2, http2_with_window,
    request,
};

/// A listener that is served, and what a client needs of it.
struct Served {
    _world: World,
    tasks: Tasks,
    address: SocketAddr,
    tls: ClientTls,
}

impl Served {
    async fn start(limits: ConnectionLimits) -> Self {
        let (world, tasks) = (World::new(), Tasks::new());
        let address = support::http(&world.settings(), limits, &tasks).await;
        let tls = client_tls(&world.settings()).expect("valid").expect("TLS");
        Self {
            _world: world,
            tasks,
            address,
            tls,
        }
    }

    async fn connect(&self, protocols: &[&str]) -> std::io::Result<Connected> {
        connect(&self.tls, self.address, protocols).await
    }
}

#[tokio::test]
async fn a_client_chooses_the_version_of_http_in_its_handshake() {
    let served = Served::start(ConnectionLimits::default()).await;
    let connected = |protocols| served.connect(protocols);
    for protocols in [&["http/1.1"][..], &[]] {
        let stream = connected(protocols).await.expect("a handshake");
        let mut sender = http1(stream).await;
        let echo = request("POST", "/echo", Full::from("tea"));
        let response = sender.send_request(echo).await.expect("a response");
        assert_eq!(response.version(), http::Version::HTTP_11);
        let only_tls = &response.headers()["strict-transport-security"];
        assert_eq!(only_tls, "max-age=63072000");
        assert_eq!(body(response).await, "tea");
    }
    let stream = connected(&["h2", "http/1.1"]).await.expect("a handshake");
    let mut sender = http2::<Full<Bytes>>(stream).await;
    let echo = request("POST", "/echo", Full::from("tea"));
    let response = sender.send_request(echo).await.expect("a response");
    assert_eq!(response.version(), http::Version::HTTP_2);
    assert!(response.headers().contains_key("x-request-id"));
    assert!(response.headers().contains_key("strict-transport-security"));
    assert_eq!(body(response).await, "tea");
    let refused = connected(&["spdy/3"]).await;
    assert!(refused.is_err(), "no protocol in common");
}

#[tokio::test]
async fn responses_that_no_router_made_tell_browsers_to_use_tls_alone_too() {
    let served = Served::start(ConnectionLimits::default()).await;
    let mut ambiguous = request("GET", "/health", Full::<Bytes>::default());
    let other = http::HeaderValue::from_static("other.example");
    ambiguous.headers_mut().append(http::header::HOST, other);
    let stream = served.connect(&["http/1.1"]).await.expect("a handshake");
    let over_http1 = http1(stream).await.send_request(ambiguous.clone()).await;
    let stream = served.connect(&["h2"]).await.expect("a handshake");
    let over_http2 = http2(stream).await.send_request(ambiguous).await;
    for response in [over_http1, over_http2] {
        let response = response.expect("a response");
        assert_eq!(response.status(), http::StatusCode::BAD_REQUEST);
        assert!(response.headers().contains_key("strict-transport-security"));
    }
}

#[tokio::test]
async fn requests_without_tls_are_not_answered() {
    let served = Served::start(ConnectionLimits::default()).await;
    let mut stream = TcpStream::connect(served.address)
        .await
        .expect("a connection");
    let request = format!("GET /health HTTP/1.1\r\nhost: {HOST}\r\n\r\n");
    let _ = stream.write_all(request.as_bytes()).await;
    let mut answer = Vec::new();
    let read = timeout(support::TIMEOUT, stream.read_to_end(&mut answer)).await;
    let _ = read.expect("the connection ends");
    assert!(
        !answer.windows(4).any(|bytes| bytes == b"HTTP"),
        "{answer:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn handshakes_must_complete_in_time_and_delay_no_other() {
    let served = Served::start(ConnectionLimits::default()).await;
    let begin = Instant::now();
    let mut silent = Vec::new();
    for _ in 0..5 {
        silent.push(
            TcpStream::connect(served.address)
                .await
                .expect("a connection"),
        );
    }
    let stream = served.connect(&["h2"]).await.expect("a handshake");
    drop(http2::<Empty<Bytes>>(stream).await);
    assert!(begin.elapsed() < Duration::from_secs(5));
    for mut stream in silent {
        let read = timeout(Duration::from_mins(1), stream.read(&mut [0; 1])).await;
        assert_eq!(read.expect("the connection ends").unwrap_or(0), 0);
    }
    let after = begin.elapsed();
    assert!(after >= Duration::from_secs(10) && after < Duration::from_secs(12));
}

#[tokio::test]
async fn connections_over_the_limit_are_answered_about_health_alone() {
    let served = Served::start(ConnectionLimits::at_most(1)).await;
    let _first = TcpStream::connect(served.address)
        .await
        .expect("a connection");
    let stream = served.connect(&["h2"]).await.expect("a handshake");
    let mut sender = http2::<Empty<Bytes>>(stream).await;
    let large = sender
        .send_request(request("GET", "/large", Empty::new()))
        .await;
    let large = large.expect("a response");
    assert_eq!(large.status(), 503);
    assert_eq!(large.headers()["retry-after"], "1");
    let health = sender
        .send_request(request("GET", "/health/live", Empty::new()))
        .await;
    assert_eq!(health.expect("a response").status(), 200);
}

/// A body that is never complete.
fn unfinished() -> BoxBody<Bytes, Infallible> {
    let begin = futures::stream::iter([Ok(Frame::data(Bytes::from_static(b"te")))]);
    BodyExt::boxed(StreamBody::new(begin.chain(futures::stream::pending())))
}

#[tokio::test(start_paused = true)]
async fn a_body_over_http_2_must_arrive_in_time() {
    let served = Served::start(ConnectionLimits::default()).await;
    let stream = served.connect(&["h2"]).await.expect("a handshake");
    let mut sender = http2(stream).await;
    let begin = Instant::now();
    let response = sender.send_request(request("POST", "/echo", unfinished()));
    let response = response.await.expect("a response");
    assert_eq!(response.status(), 408);
    let after = begin.elapsed();
    assert!(after >= Duration::from_secs(10) && after < Duration::from_secs(12));
    // The connection can still be used.
    tokio::time::resume();
    let whole = BodyExt::boxed(Full::from("tea"));
    let response = sender.send_request(request("POST", "/echo", whole)).await;
    assert_eq!(body(response.expect("a response")).await, "tea");
}

#[tokio::test(start_paused = true)]
async fn a_connection_over_http_2_whose_response_is_not_read_is_closed() {
    let served = Served::start(ConnectionLimits::default()).await;
    for path in ["/large", "/parts"] {
        let stream = served.connect(&["h2"]).await.expect("a handshake");
        let mut sender = http2::<Empty<Bytes>>(stream).await;
        let response = sender.send_request(request("GET", path, Empty::new()));
        let response = response.await.expect("a response");
        assert_eq!(response.status(), 200);
        tokio::time::sleep(Duration::from_mins(2)).await;
        let read = response.into_body().collect().await;
        assert!(read.is_err(), "{path} is complete");
        assert!(sender.ready().await.is_err(), "{path}");
    }
}

/// The library takes a piece of a response as soon as there is room for a byte of it.
#[tokio::test(start_paused = true)]
async fn a_response_that_is_not_read_ends_its_connection_although_others_are_read() {
    let served = Served::start(ConnectionLimits::default()).await;
    let stream = served.connect(&["h2"]).await.expect("a handshake");
    let mut sender = http2_with_window::<Empty<Bytes>>(stream, 1).await;
    let unread = sender.send_request(request("GET", "/large", Empty::new()));
    let unread = unread.await.expect("a response");
    let begin = Instant::now();
    while let Ok(read) = sender
        .send_request(request("GET", "/health/live", Empty::new()))
        .await
    {
        drop(read.into_body().collect().await);
        assert!(begin.elapsed() < Duration::from_mins(2), "it is still open");
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
    assert!(begin.elapsed() >= Duration::from_mins(1));
    drop(unread);
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_over_http_2_is_closed() {
    let served = Served::start(ConnectionLimits::default()).await;
    let mut stream = served.connect(&["h2"]).await.expect("a handshake");
    let begin = Instant::now();
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    stream.write_all(preface).await.expect("sent");
    let mut received = Vec::new();
    let read = timeout(Duration::from_mins(10), stream.read_to_end(&mut received)).await;
    let _ = read.expect("the connection ends");
    let after = begin.elapsed();
    assert!(after < Duration::from_mins(2), "{after:?}");
}

#[tokio::test]
async fn a_stop_completes_requests_over_http_2() {
    let served = Served::start(ConnectionLimits::default()).await;
    let stream = served.connect(&["h2"]).await.expect("a handshake");
    let mut sender = http2(stream).await;
    let (more, parts) = futures::channel::mpsc::unbounded::<Result<Frame<Bytes>, Infallible>>();
    let echo = request("POST", "/echo", BodyExt::boxed(StreamBody::new(parts)));
    let response = tokio::spawn(sender.send_request(echo));
    let part = Ok(Frame::data(Bytes::from_static(b"tea")));
    more.unbounded_send(part).expect("the request is open");
    // A second request is answered, so the first one has arrived.
    let second = request("POST", "/echo", BodyExt::boxed(Full::from("two")));
    let second = sender.send_request(second).await.expect("a response");
    assert_eq!(body(second).await, "two");
    served.tasks.stop();
    drop(more);
    let response = response.await.expect("no panic").expect("a response");
    assert_eq!(body(response).await, "tea");
    drop(sender);
    served.tasks.drain(support::TIMEOUT).await.expect("drained");
    assert_eq!(served.tasks.fault(), None);
}
