//! Requests with an Idempotency-Key.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use contract::MAX_STORED_ANSWER_BYTES;
use contract::proto::{
    IdempotencyBeginParam, IdempotencyBeginResult, IdempotencyFinishParam, IdempotencyRenewParam,
    IdempotencyState,
};
use event_sourcing::clock::ManualClock;
use platform::config::Engine;
use sqlx::{Connection, PgConnection};
use tonic::{Code, Status};

use crate::support::{Home, Service};

const HASH: [u8; 32] = [7; 32];

/// A write side with a manual clock.
struct Timed {
    service: Service,
    clock: Arc<ManualClock>,
}

async fn on_both_engines(test: impl AsyncFn(&Timed)) {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        eprintln!("on {engine:?}");
        let start = DateTime::<Utc>::from_timestamp(1_800_000_000, 0).expect("a time");
        let clock = Arc::new(ManualClock::new(start));
        let home = Home::new(engine).await;
        let service = home.start_with(Arc::clone(&clock) as Arc<_>).await;
        let timed = Timed { service, clock };
        test(&timed).await;
        timed.service.stop().await;
    }
}

fn named(key: &str) -> IdempotencyBeginParam {
    IdempotencyBeginParam {
        principal: "ada".to_owned(),
        key: key.to_owned(),
        request_hash: HASH.to_vec(),
        token: String::new(),
    }
}

impl Timed {
    async fn try_begin(
        &self,
        param: IdempotencyBeginParam,
    ) -> Result<IdempotencyBeginResult, Status> {
        let claim = self.service.idempotency.clone().begin(param).await?;
        Ok(claim.into_inner())
    }

    async fn begin(&self, key: &str) -> IdempotencyBeginResult {
        self.try_begin(named(key)).await.expect("an answer")
    }

    async fn renew(&self, key: &str, token: &str) -> bool {
        let param = IdempotencyRenewParam {
            principal: "ada".to_owned(),
            key: key.to_owned(),
            token: token.to_owned(),
        };
        let renewed = self.service.idempotency.clone().renew(param).await;
        renewed.expect("an answer").into_inner().held
    }

    async fn try_finish(
        &self,
        key: &str,
        token: &str,
        answer: Option<&[u8]>,
    ) -> Result<bool, Status> {
        let param = IdempotencyFinishParam {
            principal: "ada".to_owned(),
            key: key.to_owned(),
            token: token.to_owned(),
            answer: answer.map(|answer| answer.to_vec().into()),
        };
        let finished = self.service.idempotency.clone().finish(param).await?;
        Ok(finished.into_inner().kept)
    }

    async fn finish(&self, key: &str, token: &str, answer: Option<&[u8]>) -> bool {
        let finished = self.try_finish(key, token, answer).await;
        finished.expect("an answer")
    }

    fn pass(&self, time: TimeDelta) {
        self.clock.advance(time);
    }
}

#[tokio::test]
async fn a_request_is_executed_once_and_its_answer_repeated() {
    on_both_engines(async |timed: &Timed| {
        let first = timed.begin("k").await;
        assert_eq!(first.state(), IdempotencyState::Fresh);
        assert_eq!(first.lease_ms, 10_000);
        let seed = first.seed.split('-').nth(2).map(|group| &group[..1]);
        assert_eq!(seed, Some("7"), "a UUIDv7");
        timed.pass(TimeDelta::seconds(4));
        let meanwhile = timed.begin("k").await;
        assert_eq!(meanwhile.state(), IdempotencyState::InProgress);
        assert_eq!(meanwhile.retry_after_ms, 6_000);
        let answer: &[u8] = b"{\"data\":\0\xFF}";
        assert!(timed.finish("k", &first.token, Some(answer)).await);
        let again = timed.begin("k").await;
        assert_eq!(again.state(), IdempotencyState::Again);
        assert_eq!(&again.answer[..], answer);
        // A retry of Finish, as after a lost reply.
        assert!(timed.finish("k", &first.token, Some(answer)).await);
    })
    .await;
}

#[tokio::test]
async fn a_key_belongs_to_one_request_and_one_principal() {
    on_both_engines(async |timed: &Timed| {
        let first = timed.begin("k").await;
        let other = IdempotencyBeginParam {
            request_hash: vec![8; 32],
            ..named("k")
        };
        let running = timed.try_begin(other.clone()).await.expect("an answer");
        assert_eq!(running.state(), IdempotencyState::Reused);
        timed.finish("k", &first.token, Some(b"1")).await;
        let answered = timed.try_begin(other).await.expect("an answer");
        assert_eq!(answered.state(), IdempotencyState::Reused);
        let somebody = IdempotencyBeginParam {
            principal: "bob".to_owned(),
            ..named("k")
        };
        let somebody = timed.try_begin(somebody).await.expect("an answer");
        assert_eq!(somebody.state(), IdempotencyState::Fresh);
        assert_ne!(somebody.seed, first.seed);
    })
    .await;
}

#[tokio::test]
async fn a_takeover_after_a_crash_has_the_same_seed() {
    on_both_engines(async |timed: &Timed| {
        let first = timed.begin("k").await;
        timed.pass(TimeDelta::milliseconds(9_999));
        assert_eq!(timed.begin("k").await.state(), IdempotencyState::InProgress);
        timed.pass(TimeDelta::milliseconds(1));
        let second = timed.begin("k").await;
        assert_eq!(second.state(), IdempotencyState::Fresh);
        assert_eq!(second.seed, first.seed);
        assert_ne!(second.token, first.token);
        // The first caller was only slow: it no longer holds the lease.
        assert!(!timed.renew("k", &first.token).await);
        assert!(!timed.finish("k", &first.token, Some(b"1")).await);
        assert_eq!(timed.begin("k").await.state(), IdempotencyState::InProgress);
        assert!(timed.finish("k", &second.token, Some(b"2")).await);
        assert_eq!(&timed.begin("k").await.answer[..], b"2");
    })
    .await;
}

#[tokio::test]
async fn a_lease_lasts_as_long_as_it_is_renewed() {
    on_both_engines(async |timed: &Timed| {
        let first = timed.begin("k").await;
        for _ in 0..5 {
            timed.pass(TimeDelta::seconds(9));
            assert!(timed.renew("k", &first.token).await);
        }
        assert_eq!(timed.begin("k").await.state(), IdempotencyState::InProgress);
        timed.finish("k", &first.token, Some(b"1")).await;
        assert!(!timed.renew("k", &first.token).await);
        assert!(!timed.renew("other", &first.token).await);
    })
    .await;
}

#[tokio::test]
async fn finish_without_an_answer_lets_the_next_caller_execute_with_the_same_seed() {
    on_both_engines(async |timed: &Timed| {
        let first = timed.begin("k").await;
        assert!(timed.finish("k", &first.token, None).await);
        let second = timed.begin("k").await;
        assert_eq!(second.state(), IdempotencyState::Fresh);
        assert_eq!(second.seed, first.seed);
        assert!(timed.finish("k", &second.token, Some(b"")).await);
        // An empty answer is an answer.
        assert_eq!(timed.begin("k").await.state(), IdempotencyState::Again);
    })
    .await;
}

#[tokio::test]
async fn begin_can_be_retried_when_its_reply_was_lost() {
    on_both_engines(async |timed: &Timed| {
        let mine = IdempotencyBeginParam {
            token: "0123456789abcdef0123456789abcdef".to_owned(),
            ..named("k")
        };
        let first = timed.try_begin(mine.clone()).await.expect("an answer");
        assert_eq!(first.token, mine.token);
        let again = timed.try_begin(mine).await.expect("an answer");
        assert_eq!(again, first);
    })
    .await;
}

#[tokio::test]
async fn a_key_expires_after_a_day() {
    on_both_engines(async |timed: &Timed| {
        let answered = timed.begin("answered").await;
        timed.finish("answered", &answered.token, Some(b"1")).await;
        let abandoned = timed.begin("abandoned").await;
        timed.pass(TimeDelta::hours(24) - TimeDelta::microseconds(1));
        assert_eq!(
            timed.begin("answered").await.state(),
            IdempotencyState::Again
        );
        timed.pass(TimeDelta::microseconds(1));
        for (key, seed) in [("answered", answered.seed), ("abandoned", abandoned.seed)] {
            let other = IdempotencyBeginParam {
                request_hash: vec![9; 32],
                ..named(key)
            };
            let fresh = timed.try_begin(other).await.expect("an answer");
            assert_eq!(fresh.state(), IdempotencyState::Fresh);
            assert_ne!(fresh.seed, seed);
        }
    })
    .await;
}

/// A shop on SQLite, restarted at a time that may differ from the elapsed time because the clock was set.
async fn restarted(home: &Home, at: DateTime<Utc>) -> Timed {
    let clock = Arc::new(ManualClock::new(at));
    let service = home.start_with(Arc::clone(&clock) as Arc<_>).await;
    Timed { service, clock }
}

#[tokio::test]
async fn on_sqlite_a_key_is_retained_until_the_shop_has_also_run_for_a_day() {
    let start = DateTime::<Utc>::from_timestamp(1_800_000_000, 0).expect("a time");
    let home = Home::new(Engine::Sqlite).await;
    let timed = restarted(&home, start).await;
    let first = timed.begin("k").await;
    timed.finish("k", &first.token, Some(b"1")).await;
    timed.pass(TimeDelta::hours(10));
    timed.service.stop().await;
    for set_by in [TimeDelta::hours(25), TimeDelta::hours(-25)] {
        let timed = restarted(&home, start + TimeDelta::hours(10) + set_by).await;
        assert_eq!(timed.begin("k").await.state(), IdempotencyState::Again);
        timed.service.stop().await;
    }
    // By the clock the key is older than a day, but the shop has only run for 23 hours.
    let timed = restarted(&home, start + TimeDelta::hours(35)).await;
    timed.pass(TimeDelta::hours(13));
    assert_eq!(timed.begin("k").await.state(), IdempotencyState::Again);
    timed.pass(TimeDelta::hours(1));
    assert_eq!(timed.begin("k").await.state(), IdempotencyState::Fresh);
    timed.service.stop().await;
}

#[tokio::test]
async fn on_sqlite_a_lease_from_a_clock_that_was_set_back_blocks_no_caller() {
    let start = DateTime::<Utc>::from_timestamp(1_800_000_000, 0).expect("a time");
    let home = Home::new(Engine::Sqlite).await;
    let timed = restarted(&home, start).await;
    let first = timed.begin("k").await;
    timed.service.stop().await;
    let timed = restarted(&home, start - TimeDelta::minutes(10)).await;
    let second = timed.begin("k").await;
    assert_eq!(second.state(), IdempotencyState::Fresh);
    assert_eq!(second.seed, first.seed);
    timed.service.stop().await;
}

#[tokio::test]
async fn an_answer_is_not_stored_while_the_log_cannot_be_identified() {
    let start = DateTime::<Utc>::from_timestamp(1_800_000_000, 0).expect("a time");
    let home = Home::new(Engine::Postgres).await;
    let timed = restarted(&home, start).await;
    let first = timed.begin("k").await;
    let [events, _] = home.urls();
    let mut connection = PgConnection::connect(events.as_str())
        .await
        .expect("a connection");
    let mut locked = connection.begin().await.expect("a transaction");
    sqlx::raw_sql("LOCK TABLE event_log_id")
        .execute(&mut *locked)
        .await
        .expect("a lock");
    let rejected = timed.try_finish("k", &first.token, Some(b"1")).await;
    assert_eq!(rejected.expect_err("not stored").code(), Code::Unavailable);
    locked.rollback().await.expect("an end");
    assert!(timed.finish("k", &first.token, Some(b"1")).await);
    assert_eq!(timed.begin("k").await.state(), IdempotencyState::Again);
    timed.service.stop().await;
}

#[tokio::test]
async fn of_concurrent_callers_one_executes() {
    on_both_engines(async |timed: &Timed| {
        let claims = futures::future::join_all((0..20).map(|_| timed.begin("k"))).await;
        let fresh = claims
            .iter()
            .filter(|b| b.state() == IdempotencyState::Fresh);
        assert_eq!(fresh.count(), 1);
    })
    .await;
}

#[tokio::test]
async fn invalid_input_is_named_and_has_no_effect() {
    on_both_engines(async |timed: &Timed| {
        let long = "\u{1F600}".repeat(256);
        let bad_names = ["", "nul\0", long.as_str()].map(|key| ("key", named(key)));
        let bad_principals = ["nul\0", long.as_str()].map(|principal| {
            let param = IdempotencyBeginParam {
                principal: principal.to_owned(),
                ..named("k")
            };
            ("principal", param)
        });
        let bad_hashes = [0, 31, 33].map(|length| {
            let param = IdempotencyBeginParam {
                request_hash: vec![1; length],
                ..named("k")
            };
            ("request_hash", param)
        });
        let bad_tokens = ["x", "g123456789abcdef0123456789abcdef"].map(|token| {
            let param = IdempotencyBeginParam {
                token: token.to_owned(),
                ..named("k")
            };
            ("token", param)
        });
        let bad = bad_names.into_iter().chain(bad_principals);
        for (field, param) in bad.chain(bad_hashes).chain(bad_tokens) {
            let rejected = timed.try_begin(param).await.expect_err(field);
            assert_eq!(rejected.code(), Code::InvalidArgument);
            assert!(rejected.message().contains(field), "{}", rejected.message());
        }
        let longest = timed.begin(&long[4..]).await;
        assert_eq!(longest.state(), IdempotencyState::Fresh);
        let first = timed.begin("k").await;
        assert_eq!(first.state(), IdempotencyState::Fresh);
        let large = vec![b'x'; MAX_STORED_ANSWER_BYTES + 1];
        let rejected = timed.try_finish("k", &first.token, Some(&large)).await;
        assert_eq!(
            rejected.expect_err("too large").code(),
            Code::InvalidArgument
        );
        assert!(timed.finish("k", &first.token, Some(&large[1..])).await);
        assert_eq!(timed.begin("k").await.answer.len(), MAX_STORED_ANSWER_BYTES);
    })
    .await;
}
