//! One call, over all its tries.

use contract::metadata;
use contract::status::{Outcome, Reason, code_name, committed_at};
use tokio::time::{Instant, sleep_until, timeout_at};
use tonic::{Code, Request, Response, Status};

use super::policy::RetryPolicy;
use crate::errors::{Effect, is_late, is_transport_failure, outcome_of};

/// A method, as metrics name it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Method {
    pub service: &'static str,
    pub name: &'static str,
    pub effect: Effect,
}

/// A service's answer with its metadata.
pub type Answered<R> = Result<Response<R>, Status>;

/// Sends what `send` sends until it is answered, the tries are used up, or the deadline has passed. The status of a
/// write says the outcome of all its tries.
pub(super) async fn call<M, R, F>(
    method: Method,
    tries: RetryPolicy,
    request: impl Fn() -> Request<M>,
    send: impl Fn(Request<M>) -> F,
) -> Answered<R>
where
    F: Future<Output = Answered<R>>,
{
    let deadline = Instant::now() + tries.timeout;
    let mut used = 0;
    let mut backoff = tries.backoff();
    let mut known = KnownPositions::default();
    loop {
        let mut request = request();
        request.set_timeout(deadline.saturating_duration_since(Instant::now()));
        used += 1;
        let answer = timeout_at(deadline, send(request))
            .await
            .unwrap_or_else(|_| Err(too_late()))
            .map_err(|status| if is_late(&status) { too_late() } else { status });
        count(method, answer.as_ref().err());
        let status = match answer {
            Ok(answer) => return Ok(answer),
            Err(status) => status,
        };
        known.learn_from(&status);
        let again = Instant::now() + backoff.next_pause();
        let is_last = used >= tries.limit || again >= deadline;
        if is_last || !is_worth_another_try(&status, method.effect) {
            return Err(match method.effect {
                Effect::Read => status,
                Effect::Write => known.mark(status),
            });
        }
        sleep_until(again).await;
    }
}

fn too_late() -> Status {
    Status::deadline_exceeded("no answer within the deadline")
}

/// What is known after several tries. The last one may know of itself that it did nothing, but not of those before it;
/// and what one of them knows to have taken effect has done so.
#[derive(Clone, Copy, Debug)]
struct KnownPositions {
    outcome: Outcome,
    position: Option<u64>,
}

impl Default for KnownPositions {
    fn default() -> Self {
        Self {
            outcome: Outcome::None,
            position: None,
        }
    }
}

impl KnownPositions {
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
            None => self.outcome.mark(status),
        }
    }
}

fn is_worth_another_try(status: &Status, effect: Effect) -> bool {
    if is_transport_failure(status) {
        return true;
    }
    match status.code() {
        // The deadline of a try is shorter than ours if the service caps it.
        Code::Unavailable | Code::DeadlineExceeded => match effect {
            Effect::Read => !matches!(
                Reason::of(status),
                Some(Reason::ReadSideBehind | Reason::ReadSideBuilding | Reason::ReadSideStalled)
            ),
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
    use std::time::Duration;

    use contract::metadata;
    use contract::status::{Outcome, Reason, committed_at};
    use tonic::{Code, Request, Response, Status};

    use super::{Effect, Method, RetryPolicy, call};

    const TRIES: RetryPolicy = RetryPolicy {
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

    /// The status after tries that fail like these, one after the other.
    async fn status_after(tries: Vec<Status>) -> Status {
        let sent = AtomicU32::new(0);
        let method = Method {
            service: "test",
            name: "Test",
            effect: Effect::Write,
        };
        let answer = call(
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
    async fn of_all_tries_the_one_that_did_most_tells_the_outcome() {
        let of = |outcome: Outcome| match outcome {
            Outcome::Committed => committed_at(7, Status::unavailable("failed")),
            other => other.unavailable("failed"),
        };
        let all = [Outcome::None, Outcome::Unknown, Outcome::Committed];
        for first in all {
            for then in all {
                let status = status_after(vec![of(first), of(then)]).await;
                let most = first.max(then);
                assert_eq!(Outcome::of(&status), Some(most), "{first:?}, {then:?}");
                let position = metadata::position(status.metadata(), metadata::POSITION);
                let expected = (most == Outcome::Committed).then_some(7);
                assert_eq!(position.expect("a position"), expected);
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_at_the_door_says_nothing_of_the_tries_before_it() {
        let lost = Status::unavailable("gone");
        let refused = Status::permission_denied("who?");
        let status = status_after(vec![lost, refused.clone()]).await;
        assert_eq!(Outcome::of(&status), Some(Outcome::Unknown));
        let status = status_after(vec![refused]).await;
        assert_eq!(Outcome::of(&status), Some(Outcome::None));
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
