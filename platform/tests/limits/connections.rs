//! Connections over the limit.

use std::time::Duration;

use platform::Tasks;
use platform::runtime::{ConnectionLimits, GrpcChannel};
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::peer::{self, Peer};

const GET_ECHO: &str = "GET /echo HTTP/1.1\r\nhost: a\r\n\r\n";
const GET_LIVE: &str = "GET /health/live HTTP/1.1\r\nhost: a\r\n\r\n";
const GET_METRICS: &str = "GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n";
/// More than the concurrent connections over the limit of a listener.
const MANY: usize = 200;

#[tokio::test(start_paused = true)]
async fn connections_over_the_limit_get_only_health_and_metrics_for_one_second() {
    let tasks = Tasks::new();
    for limits in [
        ConnectionLimits::at_most(1),
        ConnectionLimits::at_most(100).per_peer(1),
    ] {
        let address = peer::http(limits, &tasks).await;
        let mut first = Peer::connect(address).await;
        first.send(GET_LIVE).await;
        assert!(first.read(15).await.starts_with(b"HTTP/1.1 200"));
        for (request, status) in [(GET_LIVE, "200"), (GET_METRICS, "200"), (GET_ECHO, "503")] {
            let mut peer = Peer::connect(address).await;
            peer.send(request).await;
            let (answer, after) = peer.text().await;
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status}")),
                "{answer}"
            );
            assert_eq!(
                answer.contains("retry-after: 1\r\n"),
                status == "503",
                "{answer}"
            );
            assert!(after < Duration::from_secs(1));
        }
        let (answer, after) = Peer::connect(address).await.text().await;
        assert_eq!(answer, "");
        assert!(
            after >= Duration::from_secs(1) && after < Duration::from_secs(2),
            "{after:?}"
        );
        // The connection within the limit is served normally, and closing it frees a permit.
        first.send(GET_ECHO).await;
        drop(first);
        let served = async {
            loop {
                let mut peer = Peer::connect(address).await;
                peer.send(GET_ECHO).await;
                if peer.read(15).await.starts_with(b"HTTP/1.1 405") {
                    return;
                }
            }
        };
        tokio::time::timeout(Duration::from_mins(1), served)
            .await
            .expect("a free permit");
    }
}

#[tokio::test]
async fn health_is_served_with_many_connections_over_the_limit() {
    let tasks = Tasks::new();
    let address = peer::http(ConnectionLimits::at_most(1), &tasks).await;
    let mut silent = Vec::new();
    for _ in 0..MANY {
        silent.push(Peer::connect(address).await);
        let mut peer = Peer::connect(address).await;
        peer.send(GET_LIVE).await;
        assert!(peer.read(15).await.starts_with(b"HTTP/1.1 200"));
    }
    drop(silent);
}

#[tokio::test]
async fn over_the_limit_grpc_serves_only_health() {
    let tasks = Tasks::new();
    let address = peer::grpc(ConnectionLimits::at_most(1), &tasks).await;
    let first = Peer::connect(address).await;
    let begin = tokio::time::Instant::now();
    let client = || {
        let channel = GrpcChannel::remote("127.0.0.1", address.port(), None).expect("an address");
        HealthClient::new(channel)
    };
    let answer = client().check(HealthCheckRequest::default()).await;
    assert_eq!(answer.expect("an answer").into_inner().status, 1);
    let rejected = client().watch(HealthCheckRequest::default()).await;
    let status = rejected.expect_err("over the limit");
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(status.message(), "there are too many connections");
    let mut silent = Peer::connect(address).await;
    let (_, after) = silent.rest().await;
    assert!(after >= Duration::from_millis(900), "{after:?}");
    // Earlier than the preface timeout of a connection within the limit.
    assert!(
        after < Duration::from_secs(4),
        "{after:?} {:?}",
        begin.elapsed()
    );
    drop(first);
}
