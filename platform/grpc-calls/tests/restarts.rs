//! Calls while the process that answers them is replaced by another one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use grpc_calls::{BreakerPolicy, CircuitBreaker, Effect, Method, RetryPolicy, call};
use platform::runtime::{GrpcChannel, GrpcListener};
use platform::{Health, Tasks, health};
use test_faults::{Link, Target};
use tokio::task::JoinSet;
use tonic::Request;
use tonic::service::Routes;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

const TIMEOUT: Duration = Duration::from_secs(20);
const CALLERS: usize = 32;
const RESTARTS: usize = 20;
/// Calls of each caller that are answered between two restarts. A call that a restart cut off is among them, so that no call
/// meets two restarts, which are more than its tries allow.
const BETWEEN: usize = 6;
const METHOD: Method = Method {
    service: "grpc.health.v1.Health",
    name: "Check",
    effect: Effect::Read,
};
/// As the gateway reads.
const RETRIES: RetryPolicy = RetryPolicy {
    limit: 2,
    first_pause: Duration::from_millis(50),
    timeout: TIMEOUT,
};
const BREAKER: BreakerPolicy = BreakerPolicy {
    failures: 5,
    open_for: Duration::from_secs(30),
    successes: 2,
};

/// What the callers share.
struct Shared {
    breaker: CircuitBreaker,
    /// The calls of each caller.
    answered: [AtomicUsize; CALLERS],
    stop: AtomicBool,
}

impl Shared {
    /// Waits until each caller has got this many further answers, or one has failed.
    async fn wait_for_answers(&self, count: usize) {
        let target_of = |answered: &AtomicUsize| answered.load(Relaxed) + count;
        let targets: Vec<usize> = self.answered.iter().map(target_of).collect();
        for (answered, target) in self.answered.iter().zip(targets) {
            while answered.load(Relaxed) < target && !self.stop.load(Relaxed) {
                tokio::task::yield_now().await;
            }
        }
    }
}

/// A service, and its address.
async fn serve() -> (Tasks, SocketAddr) {
    let tasks = Tasks::new();
    let health = Health::new("1", &tasks);
    health.component("database").up("connected");
    let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = GrpcListener::bind("TEST_ADDR", anywhere).await;
    let listener = listener.expect("a free port");
    let address = listener.address();
    let routes = Routes::new(health::grpc_service(health, ["shop.Api"]));
    listener.serve(routes, &tasks);
    (tasks, address)
}

/// Calls until the end or the first failure of any caller, and returns its own.
async fn ask(channel: GrpcChannel, shared: Arc<Shared>, caller: usize) -> Option<String> {
    while !shared.stop.load(Relaxed) {
        let request = || {
            Request::new(HealthCheckRequest {
                service: "database".to_owned(),
            })
        };
        let send = async |request| HealthClient::new(channel.clone()).check(request).await;
        match call(&shared.breaker, METHOD, RETRIES, request, send).await {
            Ok(_) => {
                shared.answered[caller].fetch_add(1, Relaxed);
            }
            Err(status) => {
                shared.stop.store(true, Relaxed);
                return Some(format!("{status:?}"));
            }
        }
    }
    None
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_is_replaced_fails_no_call_and_suspends_none() {
    let link = Link::open("service").await.expect("a free port");
    let (mut running, address) = serve().await;
    link.lead_to(Target::Tcp(address));
    let channel = GrpcChannel::remote("127.0.0.1", link.address.port(), None).expect("an address");
    let shared = Arc::new(Shared {
        breaker: CircuitBreaker::new("test", BREAKER, |_, state| {
            eprintln!("the breaker is {state:?}");
        }),
        answered: Default::default(),
        stop: AtomicBool::new(false),
    });
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        callers.spawn(ask(channel.clone(), Arc::clone(&shared), caller));
    }
    for _ in 0..RESTARTS {
        shared.wait_for_answers(BETWEEN).await;
        let (next, address) = serve().await;
        link.lead_to(Target::Tcp(address));
        let stopped = std::mem::replace(&mut running, next);
        stopped.drain(TIMEOUT).await.expect("drained");
    }
    shared.stop.store(true, Relaxed);
    let failures = callers.join_all().await;
    let failures: Vec<String> = failures.into_iter().flatten().collect();
    assert_eq!(
        failures, [""; 0],
        "{:?} calls were answered",
        shared.answered
    );
    running.drain(TIMEOUT).await.expect("drained");
}
