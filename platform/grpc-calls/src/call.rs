//! One call, with its retries.

use event_sourcing::trace;
use tokio::time::{Instant, sleep_until, timeout_at};
use tonic::metadata::MetadataMap;
use tonic::{Code, Request, Response, Status};
use tracing::{Instrument, Span, field};

use crate::circuit_breaker::{CircuitBreaker, Permit};
use crate::effect::{Effect, is_cut_off, is_late, is_transport_failure, outcome_of};
use crate::metadata;
use crate::retry_policy::RetryPolicy;
use crate::status::{Outcome, Reason, code_name, committed_at};
use crate::trace::TraceContext;

/// A method, named as in metrics.
#[derive(Clone, Copy, Debug)]
pub struct Method {
    /// With its package, such as `proto.Admin`.
    pub service: &'static str,
    /// Of the method itself.
    pub name: &'static str,
    /// Whether it may change state.
    pub effect: Effect,
}

impl Method {
    /// The span of one try, in the trace whose context the request carries, which then carries that of the span.
    fn span(self, number: u32, request: &mut MetadataMap) -> Span {
        if !trace::is_exported() {
            return Span::none();
        }
        let Some(parent) = TraceContext::of(request.as_ref()) else {
            return Span::none();
        };
        let span = trace::continued(&parent.to_fields(), || {
            let name = format!("{}/{}", self.service, self.name);
            tracing::info_span!(
                target: trace::TARGET,
                "grpc try",
                otel.name = name,
                otel.kind = "client",
                otel.status_code = field::Empty,
                rpc.system.name = "grpc",
                rpc.method = name,
                rpc.response.status_code = field::Empty,
                rpc.request.resend_count = (number > 1).then(|| number - 1),
                error.type = field::Empty,
            )
        });
        if let Some(own) = trace::context(&span).and_then(|own| TraceContext::from_fields(&own)) {
            own.insert(request);
        }
        span
    }
}

/// For a caller, every code but `OK` is an error.
fn record_code(span: &Span, failure: Option<&Status>) {
    let name = code_name(failure.map_or(Code::Ok, Status::code));
    span.record("rpc.response.status_code", name);
    if failure.is_some() {
        trace::fail(span, name);
    }
}

/// A service's response with its metadata.
pub type CallResult<R> = Result<Response<R>, Status>;

/// Calls `send`, if the breaker permits it, until it succeeds or fails permanently, the tries are used up, or the deadline has passed. The status of a
/// failed write carries the combined outcome of all its tries.
///
/// # Errors
/// The status of the last try.
pub async fn call<M, R, F>(
    breaker: &CircuitBreaker,
    method: Method,
    tries: RetryPolicy,
    request: impl Fn() -> Request<M>,
    send: impl Fn(Request<M>) -> F,
) -> CallResult<R>
where
    F: Future<Output = CallResult<R>>,
{
    let deadline = Instant::now() + tries.timeout;
    let mut used = 0;
    let mut backoff = tries.backoff();
    let mut known = CombinedOutcome::default();
    loop {
        used += 1;
        let answer = match breaker.permit() {
            Ok(permit) => {
                let mut request = request();
                request.set_timeout(deadline.saturating_duration_since(Instant::now()));
                let span = method.span(used, request.metadata_mut());
                let started = Instant::now();
                let trying = one_try(permit, send(request), deadline);
                let answer = trying.instrument(span.clone()).await;
                record_code(&span, answer.as_ref().err());
                metrics::histogram!(
                    "grpc_client_duration_seconds", "service" => method.service, "method" => method.name,
                )
                .record(started.elapsed());
                answer
            }
            Err(open) => Err(open),
        };
        count(method, answer.as_ref().err());
        let status = match answer {
            Ok(answer) => return Ok(answer),
            Err(status) => status,
        };
        known.learn_from(&status);
        let retry_at = Instant::now() + backoff.next_pause();
        let is_last = used >= tries.limit || retry_at >= deadline;
        if is_last || !is_retryable(&status, method.effect) {
            return Err(match method.effect {
                Effect::Read => status,
                Effect::Write => known.mark(status),
            });
        }
        sleep_until(retry_at).await;
    }
}

/// One try, whose end the breaker learns.
async fn one_try<R>(
    permit: Permit<'_>,
    sent: impl Future<Output = CallResult<R>>,
    deadline: Instant,
) -> CallResult<R> {
    let Ok(answer) = timeout_at(deadline, sent).await else {
        permit.failed();
        return Err(deadline_exceeded());
    };
    match answer {
        Err(status) if is_late(&status) => {
            permit.failed();
            Err(deadline_exceeded())
        }
        // Many calls at a time are, so that a restart of one process would suspend the calls of the others.
        Err(status) if is_cut_off(&status) => Err(status),
        Err(status) if is_transport_failure(&status) => {
            permit.failed();
            Err(status)
        }
        answered => {
            permit.succeeded();
            answered
        }
    }
}

fn deadline_exceeded() -> Status {
    Status::deadline_exceeded("no response within the deadline")
}

/// The combined outcome of several tries. The last status may report that its own try had no effect, but not so for the
/// tries before it; and once one of them has reported an effect, the command has taken effect.
#[derive(Clone, Copy, Debug)]
struct CombinedOutcome {
    outcome: Outcome,
    position: Option<u64>,
}

impl Default for CombinedOutcome {
    fn default() -> Self {
        Self {
            outcome: Outcome::None,
            position: None,
        }
    }
}

impl CombinedOutcome {
    fn learn_from(&mut self, status: &Status) {
        let outcome = outcome_of(status);
        self.outcome = self.outcome.max(outcome);
        if outcome == Outcome::Committed {
            let position = metadata::position(status.metadata(), metadata::POSITION);
            self.position = self.position.or(position.ok().flatten());
        }
    }

    fn mark(self, status: Status) -> Status {
        match self.position {
            Some(position) => committed_at(position, status),
            // With its own reason.
            None if Outcome::of(&status) == Some(self.outcome) => status,
            None => self.outcome.mark(status),
        }
    }
}

fn is_retryable(status: &Status, effect: Effect) -> bool {
    if is_transport_failure(status) {
        return true;
    }
    match status.code() {
        // A service may cap the deadline of a try, so that time is left for another one.
        Code::Unavailable | Code::DeadlineExceeded => match effect {
            Effect::Read => !matches!(
                Reason::of(status),
                Some(
                    Reason::ReadSideBehind
                        | Reason::ReadSideBuilding
                        | Reason::ReadSideStalled
                        | Reason::CircuitOpen
                )
            ),
            // Safe because of the command id, also after an unknown outcome: the repeat resolves it.
            Effect::Write => Reason::of(status) != Some(Reason::CircuitOpen),
        },
        Code::ResourceExhausted => true,
        _ => false,
    }
}

/// Counts a call of a method, with the status if it failed.
pub fn count(method: Method, failure: Option<&Status>) {
    let code = failure.map_or(Code::Ok, Status::code);
    metrics::counter!(
        "grpc_client_calls_total",
        "service" => method.service,
        "method" => method.name,
        "code" => code_name(code),
    )
    .increment(1);
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
    use std::time::Duration;

    use metrics_exporter_prometheus::PrometheusBuilder;
    use tonic::{Code, Request, Response, Status};

    use super::{CircuitBreaker, Effect, Method, RetryPolicy, call};
    use crate::circuit_breaker::{BreakerPolicy, BreakerState};
    use crate::metadata;
    use crate::status::{Outcome, Reason, committed_at};

    const TRIES: RetryPolicy = RetryPolicy {
        limit: 4,
        first_pause: Duration::from_millis(200),
        timeout: Duration::from_secs(5),
    };

    const READ: Method = Method {
        service: "test",
        name: "Test",
        effect: Effect::Read,
    };

    /// One that opens after so many failures.
    fn breaker(failures: u32) -> CircuitBreaker {
        let policy = BreakerPolicy {
            failures,
            open_for: Duration::from_secs(30),
            successes: 1,
        };
        CircuitBreaker::new("test", policy, |_, _| {})
    }

    async fn tries_of(effect: Effect, failure: impl Fn() -> Status) -> u32 {
        let sent = AtomicU32::new(0);
        let method = Method {
            service: "test",
            name: "Test",
            effect,
        };
        let breaker = breaker(100);
        let answer = call(
            &breaker,
            method,
            TRIES,
            || Request::new(()),
            |_| {
                sent.fetch_add(1, Relaxed);
                let failure = failure();
                async move { Err::<Response<()>, _>(failure) }
            },
        );
        answer.await.expect_err("it always fails");
        sent.load(Relaxed)
    }

    #[tokio::test(start_paused = true)]
    async fn only_transient_failures_are_retried() {
        let unavailable = || Status::unavailable("restarting");
        assert_eq!(tries_of(Effect::Write, unavailable).await, 4);
        assert_eq!(tries_of(Effect::Read, unavailable).await, 4);
        let lagging = || Reason::ReadSideBehind.status("lagging");
        assert_eq!(tries_of(Effect::Read, lagging).await, 1);
        let building = || Reason::ReadSideBuilding.status("being built");
        assert_eq!(tries_of(Effect::Read, building).await, 1);
        let unknown = || Reason::OutcomeUnknown.status("connection lost");
        assert_eq!(tries_of(Effect::Write, unknown).await, 4);
        assert_eq!(tries_of(Effect::Write, || Status::internal("bug")).await, 1);
        assert_eq!(
            tries_of(Effect::Read, || Status::not_found("none")).await,
            1
        );
    }

    /// The status of a call whose tries fail with these statuses.
    async fn status_after(tries: Vec<Status>) -> Status {
        let sent = AtomicU32::new(0);
        let method = Method {
            service: "test",
            name: "Test",
            effect: Effect::Write,
        };
        let breaker = breaker(100);
        let answer = call(
            &breaker,
            method,
            RetryPolicy {
                limit: u32::try_from(tries.len()).expect("few"),
                ..TRIES
            },
            || Request::new(()),
            |_| {
                let number = usize::try_from(sent.fetch_add(1, Relaxed)).expect("few");
                let status = tries[number].clone();
                async move { Err::<Response<()>, _>(status) }
            },
        );
        answer.await.expect_err("it always fails")
    }

    #[tokio::test(start_paused = true)]
    async fn the_outcome_is_the_strongest_of_all_tries() {
        let of = |outcome: Outcome| match outcome {
            Outcome::Committed => committed_at(7, Status::unavailable("failed")),
            other => other.unavailable("failed"),
        };
        let all = [Outcome::None, Outcome::Unknown, Outcome::Committed];
        for first in all {
            for then in all {
                let status = status_after(vec![of(first), of(then)]).await;
                let strongest = first.max(then);
                assert_eq!(Outcome::of(&status), Some(strongest), "{first:?}, {then:?}");
                let position = metadata::position(status.metadata(), metadata::POSITION);
                let expected = (strongest == Outcome::Committed).then_some(7);
                assert_eq!(position.expect("a position"), expected);
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_denied_try_does_not_settle_the_outcome_of_earlier_tries() {
        let lost = Status::unavailable("connection lost");
        let denied = Status::permission_denied("not allowed");
        let status = status_after(vec![lost, denied.clone()]).await;
        assert_eq!(Outcome::of(&status), Some(Outcome::Unknown));
        let status = status_after(vec![denied]).await;
        assert_eq!(Outcome::of(&status), Some(Outcome::None));
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_was_not_sent_keeps_its_reason() {
        let status = status_after(vec![Reason::CircuitOpen.status("suspended")]).await;
        assert_eq!(Reason::of(&status), Some(Reason::CircuitOpen));
        assert_eq!(Outcome::of(&status), Some(Outcome::None));
        let lost = Status::unavailable("connection lost");
        let status = status_after(vec![lost, Reason::CircuitOpen.status("suspended")]).await;
        assert_eq!(Reason::of(&status), Some(Reason::OutcomeUnknown));
        assert_eq!(Outcome::of(&status), Some(Outcome::Unknown));
    }

    #[tokio::test(start_paused = true)]
    async fn the_deadline_includes_all_tries() {
        let started = tokio::time::Instant::now();
        let breaker = breaker(100);
        let answer = call(
            &breaker,
            READ,
            TRIES,
            || Request::new(()),
            |_| async { std::future::pending::<Result<Response<()>, Status>>().await },
        );
        let status = answer.await.expect_err("no answer");
        assert_eq!(status.code(), Code::DeadlineExceeded);
        assert_eq!(started.elapsed().as_secs(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn missed_deadlines_suspend_calls_and_answers_of_the_service_do_not() {
        let breaker = breaker(2);
        let refusing = async |_| Err::<Response<()>, _>(Status::unavailable("busy"));
        for _ in 0..4 {
            let answer = call(&breaker, READ, TRIES, || Request::new(()), refusing);
            assert!(answer.await.is_err());
        }
        assert_eq!(breaker.state(), BreakerState::Closed);
        let silent = async |_| std::future::pending::<Result<Response<()>, Status>>().await;
        for _ in 0..2 {
            let answer = call(&breaker, READ, TRIES, || Request::new(()), silent);
            assert!(answer.await.is_err());
        }
        assert_eq!(breaker.state(), BreakerState::Open);
        let started = tokio::time::Instant::now();
        let status = call(&breaker, READ, TRIES, || Request::new(()), silent).await;
        let reason = Reason::of(&status.expect_err("suspended"));
        assert_eq!(reason, Some(Reason::CircuitOpen));
        assert_eq!(started.elapsed(), Duration::ZERO, "it fails at once");
    }

    /// What is exported of two calls that fail, of which the breaker sends only the first.
    fn exported_of_two_calls() -> String {
        let recorder = PrometheusBuilder::new().build_recorder();
        let calls = async {
            let breaker = breaker(1);
            let once = RetryPolicy { limit: 1, ..TRIES };
            for _ in 0..2 {
                let silent = async |_| std::future::pending::<Result<Response<()>, Status>>().await;
                let answer = call(&breaker, READ, once, || Request::new(()), silent);
                assert!(answer.await.is_err());
            }
        };
        metrics::with_local_recorder(&recorder, || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build();
            runtime.expect("a runtime").block_on(calls);
        });
        recorder.handle().render()
    }

    #[test]
    fn a_call_that_was_not_sent_is_counted_and_has_no_duration() {
        let exported = exported_of_two_calls();
        let has = |line: &str| exported.lines().any(|exported| exported == line);
        for line in [
            r#"grpc_client_calls_total{service="test",method="Test",code="DEADLINE_EXCEEDED"} 1"#,
            r#"grpc_client_calls_total{service="test",method="Test",code="UNAVAILABLE"} 1"#,
            r#"grpc_client_duration_seconds_count{service="test",method="Test"} 1"#,
        ] {
            assert!(has(line), "{line} in\n{exported}");
        }
    }
}
