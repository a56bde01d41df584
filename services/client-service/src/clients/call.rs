//! One call, over all its tries.

use contract::status::Reason;
use tokio::time::{Instant, sleep_until, timeout_at};
use tonic::{Code, Request, Response, Status};

use super::policy::Tries;
use crate::errors::{Effect, is_transport_failure, was_never_sent};

/// A method, as metrics name it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Method {
    pub service: &'static str,
    pub name: &'static str,
    pub effect: Effect,
}

/// A service's answer with its metadata.
pub type Answered<R> = Result<Response<R>, Status>;

/// Sends what `send` sends until it is answered, the tries are used up, or the deadline has passed.
pub(super) async fn call<M, R, F>(
    method: Method,
    tries: Tries,
    request: impl Fn() -> Request<M>,
    send: impl Fn(Request<M>) -> F,
) -> Answered<R>
where
    F: Future<Output = Answered<R>>,
{
    let deadline = Instant::now() + tries.timeout;
    let mut used = 0;
    // Whether it is known of every try that it did nothing.
    let mut undone = true;
    loop {
        let mut request = request();
        request.set_timeout(deadline.saturating_duration_since(Instant::now()));
        used += 1;
        let answer = timeout_at(deadline, send(request))
            .await
            .unwrap_or_else(|_| Err(Status::deadline_exceeded("no answer within the deadline")));
        count(method, answer.as_ref().err());
        let status = match answer {
            Ok(answer) => return Ok(answer),
            Err(status) => status,
        };
        undone &= did_nothing(&status);
        let again = Instant::now() + tries.pause_after(used);
        let is_last = used >= tries.limit || again >= deadline;
        if is_last || !is_worth_another_try(&status, method.effect) {
            return Err(conclude(status, method.effect, undone));
        }
        sleep_until(again).await;
    }
}

fn did_nothing(status: &Status) -> bool {
    was_never_sent(status) || Reason::of(status) == Some(Reason::OutcomeNone)
}

/// The status of all tries. The last one may know of itself that it did nothing, but not of those before it.
fn conclude(status: Status, effect: Effect, undone: bool) -> Status {
    if effect == Effect::Read {
        return status;
    }
    match (undone, did_nothing(&status)) {
        (true, _) => Reason::OutcomeNone.status(status.message()),
        (false, true) => Reason::OutcomeUnknown.status(status.message()),
        (false, false) => status,
    }
}

fn is_worth_another_try(status: &Status, effect: Effect) -> bool {
    if is_transport_failure(status) {
        return true;
    }
    match status.code() {
        Code::Unavailable => match effect {
            Effect::Read => Reason::of(status).is_none(),
            // The command id makes it safe, and the service's own words about the outcome are those of one try.
            Effect::Write => true,
        },
        Code::ResourceExhausted => true,
        _ => false,
    }
}

fn count(method: Method, failure: Option<&Status>) {
    let code = failure.map_or(Code::Ok, Status::code);
    metrics::counter!(
        "grpc_client_calls_total",
        "service" => method.service,
        "method" => method.name,
        "code" => code_name(code),
    )
    .increment(1);
}

const fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
    use std::time::Duration;

    use contract::status::Reason;
    use tonic::{Code, Request, Response, Status};

    use super::{Effect, Method, Tries, call};

    const TRIES: Tries = Tries {
        limit: 4,
        first_pause: Duration::from_millis(200),
        timeout: Duration::from_secs(5),
    };

    async fn tries_of(effect: Effect, failure: impl Fn() -> Status) -> u32 {
        let sent = AtomicU32::new(0);
        let method = Method {
            service: "test",
            name: "Test",
            effect,
        };
        let answer = call(
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
    async fn only_what_may_help_is_tried_again() {
        let unavailable = || Status::unavailable("restarting");
        assert_eq!(tries_of(Effect::Write, unavailable).await, 4);
        assert_eq!(tries_of(Effect::Read, unavailable).await, 4);
        let behind = || Reason::ReadSideBehind.status("behind");
        assert_eq!(tries_of(Effect::Read, behind).await, 1);
        let unknown = || Reason::OutcomeUnknown.status("connection lost");
        assert_eq!(tries_of(Effect::Write, unknown).await, 4);
        assert_eq!(tries_of(Effect::Write, || Status::internal("bug")).await, 1);
        assert_eq!(
            tries_of(Effect::Read, || Status::not_found("none")).await,
            1
        );
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_happened_only_if_no_try_did_anything() {
        let outcome = async |first: Reason, then: Reason| {
            let sent = AtomicU32::new(0);
            let method = Method {
                service: "test",
                name: "Test",
                effect: Effect::Write,
            };
            let answer = call(
                method,
                TRIES,
                || Request::new(()),
                |_| {
                    let reason = if sent.fetch_add(1, Relaxed) == 0 {
                        first
                    } else {
                        then
                    };
                    async move { Err::<Response<()>, _>(reason.status("failed")) }
                },
            );
            Reason::of(&answer.await.expect_err("it always fails"))
        };
        let (none, unknown) = (Reason::OutcomeNone, Reason::OutcomeUnknown);
        assert_eq!(outcome(none, none).await, Some(none));
        assert_eq!(outcome(unknown, none).await, Some(unknown));
        assert_eq!(outcome(none, unknown).await, Some(unknown));
    }

    #[tokio::test(start_paused = true)]
    async fn the_deadline_is_over_all_tries() {
        let started = tokio::time::Instant::now();
        let method = Method {
            service: "test",
            name: "Test",
            effect: Effect::Read,
        };
        let answer = call(
            method,
            TRIES,
            || Request::new(()),
            |_| async { std::future::pending::<Result<Response<()>, Status>>().await },
        );
        let status = answer.await.expect_err("no answer");
        assert_eq!(status.code(), Code::DeadlineExceeded);
        assert_eq!(started.elapsed().as_secs(), 5);
    }
}
