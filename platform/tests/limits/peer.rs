//! Listeners, and a raw client for them.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::routing::{get, post};
use hyper_util::rt::TokioIo;
use platform::runtime::{ConnectionLimits, GrpcListener, HttpListener};
use platform::telemetry::Metrics;
use platform::{Health, Tasks, health};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tonic::service::Routes;

/// Timeout of a test: longer than any limit. The tests' time is mostly simulated.
const WAIT_TIMEOUT: Duration = Duration::from_mins(10);
/// How long a request to `/slow` takes: longer than any timeout of a client.
pub const SLOW: Duration = Duration::from_mins(2);
const ANYWHERE: &str = "127.0.0.1:0";

/// Serves `/health`, `/echo`, which returns the body, `/slow`, and `/upgrade` to a protocol that returns all bytes.
pub async fn http(limits: ConnectionLimits, tasks: &Tasks) -> SocketAddr {
    let address = ANYWHERE.parse().expect("an address");
    let listener = HttpListener::bind("TEST_ADDR", address).await;
    let listener = listener.expect("a free port").with_limits(limits);
    let address = listener.address();
    let echo = post(async |request: Request| {
        axum::body::to_bytes(request.into_body(), 1_000)
            .await
            .map_err(|_| http::StatusCode::UNPROCESSABLE_ENTITY)
    });
    let slow = get(async || {
        tokio::time::sleep(SLOW).await;
        "slow"
    });
    let upgrade = get(async |request: Request| {
        tokio::spawn(async {
            let upgraded = hyper::upgrade::on(request).await.expect("an upgrade");
            let (mut read, mut write) = tokio::io::split(TokioIo::new(upgraded));
            let _ended = tokio::io::copy(&mut read, &mut write).await;
        });
        let headers = [
            (http::header::CONNECTION, "upgrade"),
            (http::header::UPGRADE, "echo"),
        ];
        (http::StatusCode::SWITCHING_PROTOCOLS, headers)
    });
    let router = Router::new()
        .route("/echo", echo)
        .route("/slow", slow)
        .route("/upgrade", upgrade);
    let health = health::router(Health::new("1", tasks), Metrics::detached());
    listener.serve(health.merge(router), tasks);
    address
}

pub async fn grpc(limits: ConnectionLimits, tasks: &Tasks) -> SocketAddr {
    let health = Health::new("1", tasks);
    health.component("database").up("connected");
    let routes = Routes::new(health::grpc_service(health, ["shop.Api"]));
    let address = ANYWHERE.parse().expect("an address");
    let listener = GrpcListener::bind("TEST_ADDR", address).await;
    let listener = listener.expect("a free port").with_limits(limits);
    let address = listener.address();
    listener.serve(routes, tasks);
    address
}

/// A client that sends raw bytes.
pub struct Peer {
    stream: TcpStream,
    connected: Instant,
}

impl Peer {
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("a connection");
        Self {
            stream,
            connected: Instant::now(),
        }
    }

    /// Sends bytes. Errors are ignored: the listener may have closed the connection.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref()).await;
    }

    /// Reads `count` bytes.
    pub async fn read(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        let read = timeout(WAIT_TIMEOUT, self.stream.read_exact(&mut bytes)).await;
        read.expect("bytes in time").expect("bytes");
        bytes
    }

    /// Reads to the end of the connection. Also returns the time from the connect to the end.
    pub async fn rest(&mut self) -> (Vec<u8>, Duration) {
        let mut bytes = Vec::new();
        // A reset connection has ended too.
        let read = timeout(WAIT_TIMEOUT, self.stream.read_to_end(&mut bytes)).await;
        let _ = read.expect("the connection ends");
        (bytes, self.connected.elapsed())
    }

    /// Like [`Self::rest`], as text.
    pub async fn text(&mut self) -> (String, Duration) {
        let (bytes, after) = self.rest().await;
        (String::from_utf8(bytes).expect("text"), after)
    }

    /// Sends one byte per second until the connection ends. Returns the received text.
    pub async fn trickle(mut self, byte: u8) -> (String, Duration) {
        let connected = self.connected;
        let (mut read, mut write) = self.stream.split();
        let mut answer = Vec::new();
        let trickle = async {
            while write.write_all(&[byte]).await.is_ok() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            std::future::pending::<()>().await;
        };
        let listen = timeout(WAIT_TIMEOUT, read.read_to_end(&mut answer));
        tokio::select! {
            ended = listen => drop(ended.expect("the connection ends")),
            () = trickle => {}
        }
        let answer = String::from_utf8(answer).expect("text");
        (answer, connected.elapsed())
    }
}
