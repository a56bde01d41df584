//! PgBouncer between the store and its server.

use std::sync::Arc;
use std::time::Duration;

use event_sourcing::{EventStore, ExpectedVersion, Position, StoreError};
use event_store_postgres::{PostgresEventStore, Settings};
use sql_database::postgres::check_server;
use test_postgres::{Cluster, PgBouncer, PoolMode};
use tokio::task::JoinSet;

use crate::support::{check_log, command, commit, connect, stream, within};

async fn open_error(url: &str) -> String {
    let opened = PostgresEventStore::connect(url, Settings::default()).await;
    let error = opened.expect_err("the store opens");
    assert!(matches!(error, StoreError::Failed { .. }), "{error:?}");
    crate::support::cause(&error)
}

#[tokio::test]
async fn a_pooler_that_shares_sessions_is_rejected_with_a_remedy() {
    let cluster = Cluster::start().await;
    for (mode, settings) in [
        (PoolMode::Transaction, &[] as &[_]),
        (PoolMode::Transaction, &[("server_round_robin", "1")]),
        (PoolMode::Transaction, &[("default_pool_size", "1")]),
        (PoolMode::Statement, &[]),
    ] {
        let pooler = PgBouncer::start_with(&cluster, mode, settings).await;
        let url = pooler.url("postgres");
        let cause = open_error(&url).await;
        assert!(
            cause.contains("PgBouncer in transaction"),
            "{mode:?}: {cause}"
        );
        assert!(cause.contains("pool_mode = session"), "{mode:?}: {cause}");
    }
    // No table was created before the error.
    let tables: i64 =
        sqlx::query_scalar("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
            .fetch_one(&mut connect(&cluster.url("postgres")).await)
            .await
            .expect("a count");
    assert_eq!(tables, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_through_pgbouncer_behave_like_direct_ones() {
    let cluster = Cluster::start_with(&[("synchronous_commit", "off")]).await;
    let pooler = PgBouncer::start(&cluster, PoolMode::Session).await;
    let url = pooler.url("postgres");
    let settings = Settings {
        poll_interval: Duration::from_hours(1),
        ..Settings::default()
    };
    let open = async || {
        let store = PostgresEventStore::connect(&url, settings.clone()).await;
        Arc::new(store.expect("open the store"))
    };
    let (writer, reader) = (open().await, open().await);
    for number in 1..=20 {
        let waiting = Arc::clone(&reader);
        let waiter = tokio::spawn(async move { waiting.wait_for(Position(number * 2)).await });
        let next = commit(command(1, number), &stream("a"), ExpectedVersion::Any, "{}");
        writer.append(&[next]).await.expect("append");
        let head = within("a notification", waiter).await.expect("a task");
        assert_eq!(head.expect("the head"), Position(number * 2));
    }
    assert_eq!(check_log(&*reader).await.len(), 20);
}

#[tokio::test]
async fn an_option_that_a_pooler_ignores_is_reported() {
    let cluster = Cluster::start().await;
    let ignoring = [("ignore_startup_parameters", "options")];
    let pooler = PgBouncer::start_with(&cluster, PoolMode::Session, &ignoring).await;
    let url = format!("{}&options[search_path]=elsewhere", pooler.url("postgres"));
    let cause = open_error(&url).await;
    assert!(cause.contains("search_path"), "{cause}");
    assert!(cause.contains("ALTER ROLE"), "{cause}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_direct_connection_is_never_detected_as_shared() {
    let database = test_postgres::database().await;
    let mut many = JoinSet::new();
    for _ in 0..20 {
        let url = database.url.clone();
        many.spawn(async move { check_server(&url, "look").await });
    }
    for result in many.join_all().await {
        result.expect("separate sessions");
    }
}
