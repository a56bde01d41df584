//! Callers do not wait for a PostgreSQL server that is known to be unreachable. The driver would wait for a day here, so that
//! a test in which a caller waits for the driver does not end in time.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests may fail as tests do"
)]

use std::time::Duration;

use event_sourcing::StoreError;
use sql_database::postgres::pool;
use sql_database::{Database, NamedPool, Statement, store_error};
use sqlx::{Connection, PgConnection};
use test_faults::{Link, Way};
use test_postgres::TestDatabase;
use tokio::time::{sleep, timeout};

const DAY: Duration = Duration::from_hours(24);
const LIMIT: Duration = Duration::from_secs(30);

/// A database that is reached through a link.
struct Linked {
    link: Link,
    url: String,
    pool: NamedPool,
    database: Database,
    _server: TestDatabase,
}

impl Linked {
    async fn start(size: u32) -> Self {
        let server = test_postgres::database().await;
        let (link, url) = Link::to_postgres("database", &server.url).await.unwrap();
        let connected = pool(size, DAY).connect(&url).await.unwrap();
        let pool = NamedPool::new("test", connected);
        Self {
            link,
            database: Database::Postgres {
                reading: pool.clone(),
                writing: pool.clone(),
            },
            pool,
            url,
            _server: server,
        }
    }

    async fn read(&self) -> Result<(), StoreError> {
        let one = Statement::new("read", "SELECT 1");
        let rows: Vec<(i32,)> = within("a read", self.database.fetch_all(one)).await?;
        assert_eq!(rows, [(1,)]);
        Ok(())
    }

    async fn reads_again(&self) {
        let reading = async {
            while let Err(error) = self.read().await {
                assert_unavailable(&error);
                sleep(Duration::from_millis(1)).await;
            }
        };
        within("a read that succeeds", reading).await;
    }
}

async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    let ended = timeout(LIMIT, future).await;
    ended.unwrap_or_else(|_| panic!("{what} takes too long"))
}

/// The first error of an outage may be that of the connection.
fn assert_unavailable(error: &StoreError) {
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
}

#[tokio::test]
async fn reads_fail_at_once_while_a_server_refuses_connections_and_work_when_it_is_back() {
    let linked = Linked::start(2).await;
    linked.read().await.unwrap();
    linked.link.stop();
    for _ in 0..100 {
        assert_unavailable(&linked.read().await.unwrap_err());
    }
    let error = linked.read().await.unwrap_err();
    let cause = std::error::Error::source(&error).unwrap();
    assert_eq!(cause.to_string(), "the server cannot be reached");
    linked.link.mend();
    linked.reads_again().await;
}

#[tokio::test]
async fn callers_fail_at_once_while_a_server_is_silent_and_are_served_when_it_answers() {
    let linked = Linked::start(1).await;
    let mut open = linked.pool.acquire().await.unwrap();
    linked.link.freeze(&Way::BOTH);
    for _ in 0..100 {
        let refused = within("an acquisition", linked.pool.acquire()).await;
        assert_unavailable(&store_error("read", refused.unwrap_err()));
    }
    linked.link.mend();
    within("the open connection", open.ping()).await.unwrap();
    drop(open);
    linked.reads_again().await;
}

#[tokio::test]
async fn open_connections_are_used_while_no_new_one_can_be_opened() {
    let linked = Linked::start(2).await;
    let open = linked.pool.acquire().await.unwrap();
    linked.link.refuse();
    assert_unavailable(&linked.read().await.unwrap_err());
    drop(open);
    linked.reads_again().await;
}

#[tokio::test]
async fn a_connection_that_was_opened_shows_that_the_server_is_back() {
    let linked = Linked::start(1).await;
    linked.link.stop();
    for _ in 0..2 {
        assert_unavailable(&linked.read().await.unwrap_err());
    }
    linked.link.mend();
    let open = async || {
        let opening = Box::pin(PgConnection::connect(&linked.url));
        linked.pool.open_outside(opening).await
    };
    let opened = async {
        while open().await.is_err() {
            sleep(Duration::from_millis(1)).await;
        }
    };
    within("a connection", opened).await;
    linked.read().await.unwrap();
}

#[tokio::test]
async fn a_caller_that_waits_because_all_connections_are_in_use_is_served() {
    let linked = Linked::start(1).await;
    let open = linked.pool.acquire().await.unwrap();
    let accepted = linked.link.accepted();
    let waiting = linked.read();
    let freeing = async {
        // The caller has waited for so long that the server was checked.
        while linked.link.accepted() == accepted {
            sleep(Duration::from_millis(1)).await;
        }
        drop(open);
    };
    let (read, ()) = within("both", async { tokio::join!(waiting, freeing) }).await;
    read.unwrap();
}
