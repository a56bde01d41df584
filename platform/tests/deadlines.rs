//! Calls whose deadline passes while they are in flight.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use platform::Tasks;
use platform::runtime::{AdmitCall, Calls, Deadlines, GrpcChannel, GrpcListener};
use tonic::service::Routes;
use tonic::{Code, Request, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

const TIMEOUT: Duration = Duration::from_secs(20);

/// The units that tonic's clients choose for short deadlines.
fn parse(text: &str) -> Option<Duration> {
    if let Some(nanos) = text.strip_suffix('n') {
        return nanos.parse().ok().map(Duration::from_nanos);
    }
    text.strip_suffix('u')?
        .parse()
        .ok()
        .map(Duration::from_micros)
}

#[derive(Debug)]
struct AdmitAll;

impl AdmitCall for AdmitAll {
    fn admit(&self, _: &str, _: &mut axum::extract::Request) -> Result<(), Status> {
        Ok(())
    }
}

/// A service that never answers.
fn silent() -> Routes {
    let deadlines = Deadlines {
        parse,
        late: |path| Status::deadline_exceeded(path),
    };
    let calls = Calls {
        prefix: "/grpc.",
        correlation_id: "x-correlation-id",
        code_name: |_| "code",
        deadlines,
        admission: Arc::new(AdmitAll),
    };
    let router = Router::new().fallback(async || pending::<()>().await);
    calls.wrap(Routes::from(router))
}

async fn ask(channel: GrpcChannel, timeout: Duration) -> Status {
    let mut request = Request::new(HealthCheckRequest::default());
    request.set_timeout(timeout);
    let answer = HealthClient::new(channel).check(request).await;
    answer.expect_err("no answer")
}

#[tokio::test]
async fn an_exceeded_deadline_returns_the_status_of_the_service() {
    for millis in [0, 1, 5, 300] {
        let channel = GrpcChannel::in_process(silent());
        let status = ask(channel, Duration::from_millis(millis)).await;
        assert_eq!(
            status.code(),
            Code::DeadlineExceeded,
            "{millis} ms: {status:?}"
        );
        assert_eq!(status.message(), "/grpc.health.v1.Health/Check");
    }
}

#[tokio::test]
async fn over_a_socket_our_timer_fires_before_the_librarys() {
    let tasks = Tasks::new();
    let address: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    let listener = GrpcListener::bind("TEST_ADDR", address)
        .await
        .expect("a free port");
    let channel =
        GrpcChannel::remote("127.0.0.1", listener.address().port(), None).expect("an address");
    listener.serve(silent(), &tasks);
    let mut seen = Vec::new();
    // The library's timers, on both sides, fire only slightly later; on a busy machine one may be earlier.
    for _ in 0..20 {
        let status = ask(channel.clone(), Duration::from_millis(400)).await;
        if status.code() == Code::DeadlineExceeded {
            assert_eq!(status.message(), "/grpc.health.v1.Health/Check");
            drop(channel);
            tasks.drain(TIMEOUT).await.expect("drained");
            return;
        }
        seen.push(status);
    }
    panic!("the service's status was never returned: {seen:?}");
}
