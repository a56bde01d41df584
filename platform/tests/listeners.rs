//! Listeners on real sockets.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use platform::health::ComponentState;
use platform::runtime::{GrpcChannel, GrpcListener, HttpListener};
use platform::telemetry::Metrics;
use platform::{Health, Tasks, health};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tonic::service::Routes;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

const TIMEOUT: Duration = Duration::from_secs(20);
const ANYWHERE: &str = "127.0.0.1:0";

async fn listener() -> HttpListener {
    let address: SocketAddr = ANYWHERE.parse().expect("an address");
    HttpListener::bind("TEST_ADDR", address)
        .await
        .expect("a free port")
}

async fn ask(address: SocketAddr, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    stream
}

async fn status(mut stream: TcpStream) -> String {
    let mut start = [0; 12];
    stream.read_exact(&mut start).await.expect("an answer");
    String::from_utf8_lossy(&start).into_owned()
}

async fn rest(mut stream: TcpStream) -> String {
    let mut text = String::new();
    let read = tokio::time::timeout(TIMEOUT, stream.read_to_string(&mut text)).await;
    read.expect("the connection ends").expect("text");
    text
}

#[tokio::test]
async fn a_stop_completes_requests_and_closes_idle_connections() {
    let (entered, mut inside) = mpsc::channel(1);
    let (release, released) = oneshot::channel::<()>();
    let released = std::sync::Arc::new(tokio::sync::Mutex::new(Some(released)));
    let slow = get(async move || {
        entered.send(()).await.expect("a receiver");
        let released = released.lock().await.take().expect("called once");
        released.await.expect("released");
        "done"
    });
    let tasks = Tasks::new();
    let listener = listener().await;
    let address = listener.address();
    listener.serve(Router::new().route("/slow", slow), &tasks);
    let idle = TcpStream::connect(address).await.expect("a connection");
    let busy = ask(address, "/slow").await;
    inside.recv().await.expect("the request has started");
    tasks.stop();
    assert_eq!(rest(idle).await, "");
    release.send(()).expect("the request waits");
    assert!(rest(busy).await.ends_with("done"));
    tasks.drain(TIMEOUT).await.expect("drained");
    assert_eq!(tasks.fault(), None);
    assert!(TcpStream::connect(address).await.is_err());
}

/// Sends a request on an open connection, and reads the head of its response.
async fn head(stream: &mut TcpStream, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("a head"));
    }
    String::from_utf8_lossy(&head).into_owned()
}

#[tokio::test]
async fn an_announced_stop_is_served_through_and_each_response_closes_its_connection() {
    let tasks = Tasks::new();
    let health = Health::new("1", &tasks);
    health.component("database").up("connected");
    let listener = listener().await;
    let address = listener.address();
    let served = get(async || ());
    let router = health::router(health, Metrics::detached()).route("/served", served);
    listener.serve(router, &tasks);
    let mut kept = TcpStream::connect(address).await.expect("a connection");
    let before = head(&mut kept, "/served").await;
    assert!(before.starts_with("HTTP/1.1 200") && !before.contains("connection: close"));
    tasks.announce_stop();
    let after = head(&mut kept, "/served").await;
    assert!(
        after.starts_with("HTTP/1.1 200") && after.contains("connection: close"),
        "{after}"
    );
    assert_eq!(rest(kept).await, "");
    assert_eq!(
        status(ask(address, "/health/ready").await).await,
        "HTTP/1.1 503"
    );
    assert_eq!(
        status(ask(address, "/health/live").await).await,
        "HTTP/1.1 200"
    );
    tasks.drain(TIMEOUT).await.expect("drained");
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn health_and_metrics_are_served() {
    let tasks = Tasks::new();
    let health = Health::new("1", &tasks);
    let part = health.component("database");
    let listener = listener().await;
    let address = listener.address();
    listener.serve(health::router(health, Metrics::detached()), &tasks);
    let answers = async || {
        let mut answers = Vec::new();
        for path in ["/health", "/health/ready", "/health/live"] {
            let answer = status(ask(address, path).await).await;
            answers.push(answer.trim_start_matches("HTTP/1.1 ").to_owned());
        }
        answers
    };
    assert_eq!(answers().await, ["503", "503", "200"]);
    part.up("connected");
    assert_eq!(answers().await, ["200", "200", "200"]);
    part.set(&ComponentState::impaired("lagging"));
    assert_eq!(answers().await, ["503", "200", "200"]);
    assert_eq!(status(ask(address, "/metrics").await).await, "HTTP/1.1 200");
    assert_eq!(status(ask(address, "/else").await).await, "HTTP/1.1 404");
    tasks.drain(TIMEOUT).await.expect("drained");
}

#[tokio::test]
async fn a_service_behaves_the_same_over_a_socket_and_in_process() {
    let tasks = Tasks::new();
    let health = Health::new("1", &tasks);
    health.component("database").up("connected");
    let routes = Routes::new(health::grpc_service(health, ["shop.Api"]));
    let address: SocketAddr = ANYWHERE.parse().expect("an address");
    let listener = GrpcListener::bind("TEST_ADDR", address)
        .await
        .expect("a free port");
    let port = listener.address().port();
    listener.serve(routes.clone(), &tasks);
    let remote = GrpcChannel::remote("127.0.0.1", port, None).expect("an address");
    for channel in [remote, GrpcChannel::in_process(routes)] {
        let ask = |service: &str| HealthCheckRequest {
            service: service.to_owned(),
        };
        let mut client = HealthClient::new(channel);
        let answer = client.check(ask("database")).await.expect("an answer");
        assert_eq!(answer.into_inner().status, 1);
        let unknown = client.check(ask("else")).await.expect_err("unknown");
        assert_eq!(unknown.code(), tonic::Code::NotFound);
    }
    tasks.drain(TIMEOUT).await.expect("drained");
}

#[tokio::test]
async fn an_address_in_use_is_reported_in_one_line() {
    let taken = listener().await;
    let error = HttpListener::bind("TEST_ADDR", taken.address())
        .await
        .expect_err("taken");
    let text = error.to_string();
    assert!(text.contains("TEST_ADDR") && text.contains(&taken.address().to_string()));
    assert_eq!(text.lines().count(), 1);
}
