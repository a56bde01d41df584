//! Deadlines that pass while a database is blocked.

use std::time::Duration;

use contract::proto::{
    AdminStatusParam, CategoryUpParam, GetSagaStatusParam, IdempotencyBeginParam,
};
use contract::status::Outcome;
use platform::config::{DatabaseUrl, Engine};
use sqlx::{Connection, PgConnection, SqliteConnection};
use tonic::{Code, Request, Response, Status};

use crate::support::{Home, Service, category, named_category, with_command_id};

const CALL_TIMEOUT: Duration = Duration::from_secs(1);
const COMMAND: &str = "01890000-0000-7000-8000-000000000001";
/// Writes wait for these locks.
const LOCK_WRITES: &str =
    "BEGIN; LOCK TABLE event_log_lock, idempotent_requests IN ACCESS EXCLUSIVE MODE";
/// Reads wait for this lock.
const LOCK_READS: &str = "LOCK TABLE events IN ACCESS EXCLUSIVE MODE";

/// Databases on which writes block.
enum Stalled {
    Postgres(PgConnection),
    Sqlite([SqliteConnection; 2]),
}

impl Stalled {
    async fn new(home: &Home) -> Self {
        let [events, database] = home.urls();
        match events.engine() {
            Engine::Postgres => {
                let lock = PgConnection::connect(events.as_str()).await;
                let mut lock = lock.expect("a server");
                let locked = sqlx::raw_sql(LOCK_WRITES).execute(&mut lock).await;
                locked.expect("locks");
                Self::Postgres(lock)
            }
            Engine::Sqlite => Self::Sqlite([write_lock(events).await, write_lock(database).await]),
        }
    }

    async fn end(self) {
        match self {
            Self::Postgres(lock) => lock.close().await.expect("closed"),
            Self::Sqlite(locks) => {
                for lock in locks {
                    lock.close().await.expect("closed");
                }
            }
        }
    }
}

async fn write_lock(url: &DatabaseUrl) -> SqliteConnection {
    let mut lock = SqliteConnection::connect(url.as_str())
        .await
        .expect("a file");
    sqlx::raw_sql("BEGIN IMMEDIATE")
        .execute(&mut lock)
        .await
        .expect("a lock");
    lock
}

fn with_timeout<M>(mut request: Request<M>) -> Request<M> {
    request.set_timeout(CALL_TIMEOUT);
    request
}

fn begin() -> Request<IdempotencyBeginParam> {
    with_timeout(Request::new(IdempotencyBeginParam {
        key: "k".to_owned(),
        request_hash: vec![1; 32],
        ..IdempotencyBeginParam::default()
    }))
}

fn create() -> Request<CategoryUpParam> {
    with_timeout(with_command_id(named_category("Late"), COMMAND))
}

#[track_caller]
fn assert_late<M: std::fmt::Debug>(reply: Result<Response<M>, Status>, outcomes: &[Outcome]) {
    let status = reply.expect_err("nothing answers");
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
    let outcome = Outcome::of(&status).expect("an outcome");
    assert!(outcomes.contains(&outcome), "{status:?}");
}

impl Service {
    /// The status with which a read of a saga fails.
    async fn get_saga(&self) -> Status {
        let request = with_timeout(Request::new(GetSagaStatusParam {
            saga_id: "absent".to_owned(),
        }));
        let shown = self.sagas.clone().get_saga_status(request).await;
        shown.expect_err("nothing answers")
    }
}

async fn writes_are_late(service: &Service, stalled: &Stalled) {
    // SQLite reports the lock before anything is written, so the outcome is known.
    let written: &[Outcome] = match stalled {
        Stalled::Postgres(_) => &[Outcome::Unknown],
        Stalled::Sqlite(_) => &[Outcome::None, Outcome::Unknown],
    };
    let created = service.categories.clone().create(create()).await;
    assert_late(created, written);
    let claim = service.idempotency.clone().begin(begin()).await;
    assert_late(claim, &[Outcome::Unknown]);
}

async fn reads_are_late(service: &Service) {
    let status = with_timeout(Request::new(AdminStatusParam {}));
    let status = service.admin.clone().status(status).await;
    assert_late(status, &[Outcome::None]);
    // A command that reads before it writes.
    let param = CategoryUpParam {
        id: "absent".to_owned(),
        ..CategoryUpParam::default()
    };
    let mut categories = service.categories.clone();
    let deleted = categories.delete(with_timeout(Request::new(param))).await;
    assert_late(deleted, &[Outcome::None]);
    // Only the service's own timer ends this call. The client's timer fires slightly later or, on a busy machine,
    // earlier.
    let mut shown = service.get_saga().await;
    for _ in 0..20 {
        if shown.code() != Code::Cancelled {
            break;
        }
        shown = service.get_saga().await;
    }
    assert_late(Err::<Response<()>, _>(shown), &[Outcome::None]);
}

#[tokio::test]
async fn an_exceeded_deadline_is_reported_with_the_outcome() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        eprintln!("on {engine:?}");
        let home = Home::new(engine).await;
        let service = home.start().await;
        service.category("Before").await;
        let mut stalled = Stalled::new(&home).await;
        writes_are_late(&service, &stalled).await;
        if let Stalled::Postgres(lock) = &mut stalled {
            let locked = sqlx::raw_sql(LOCK_READS).execute(lock).await;
            locked.expect("a lock");
            reads_are_late(&service).await;
        }
        stalled.end().await;
        let again = with_command_id(named_category("Late"), COMMAND);
        let created = category(service.categories.clone().create(again).await);
        assert_eq!(created.expect("created").version, 1);
        assert_eq!(service.head().await, 4);
        service.stop().await;
    }
}
