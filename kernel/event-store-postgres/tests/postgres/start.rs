//! Checks of a server and its tables before the store is used.

use event_sourcing::{EventStore, ExpectedVersion, StoreError};
use event_store_postgres::{PostgresEventStore, Settings};
use test_postgres::Cluster;

use crate::support::{cause, command, commit, connect, open, stream};

async fn open_error(url: &str, settings: Settings) -> (StoreError, String) {
    let error = PostgresEventStore::connect(url, settings)
        .await
        .expect_err("the store opens");
    let cause = cause(&error);
    (error, cause)
}

fn without_migrations() -> Settings {
    Settings {
        migrate: false,
        ..Settings::default()
    }
}

async fn add_migration(url: &str, version: i32, oldest_schema: i32) {
    let mut connection = connect(url).await;
    sqlx::query("INSERT INTO event_store_migrations (version, oldest_schema) VALUES ($1, $2)")
        .bind(version)
        .bind(oldest_schema)
        .execute(&mut connection)
        .await
        .expect("add a migration");
}

#[tokio::test]
async fn without_migrations_missing_tables_are_an_error() {
    let database = test_postgres::database().await;
    let (error, cause) = open_error(&database.url, without_migrations()).await;
    assert!(matches!(error, StoreError::Failed { .. }), "{error:?}");
    assert!(cause.contains("migration 4001"), "{cause}");
    open(&database.url).await.close().await;
    let store = PostgresEventStore::connect(&database.url, without_migrations())
        .await
        .expect("the tables exist now");
    assert_eq!(store.head().await.expect("the head").0, 0);
}

#[tokio::test]
async fn processes_that_start_together_migrate_once() {
    let database = test_postgres::database().await;
    let (a, b, c) = tokio::join!(
        open(&database.url),
        open(&database.url),
        open(&database.url)
    );
    for store in [a, b, c] {
        assert_eq!(store.head().await.expect("the head").0, 0);
    }
}

#[tokio::test]
async fn an_unknown_migration_that_supports_this_binary_is_accepted() {
    let database = test_postgres::database().await;
    open(&database.url).await.close().await;
    add_migration(&database.url, 4_900, 1).await;
    let store = open(&database.url).await;
    let commit = commit(command(1, 1), &stream("a"), ExpectedVersion::NoStream, "{}");
    assert!(store.append(&[commit]).await.expect("append")[0].is_ok());
}

#[tokio::test]
async fn tables_for_newer_binaries_only_are_rejected() {
    let database = test_postgres::database().await;
    open(&database.url).await.close().await;
    add_migration(&database.url, 4_900, 4_900).await;
    for settings in [Settings::default(), without_migrations()] {
        let (error, cause) = open_error(&database.url, settings).await;
        assert!(matches!(error, StoreError::Failed { .. }), "{error:?}");
        assert!(cause.contains("schema 4900"), "{cause}");
    }
}

#[tokio::test]
async fn tables_of_an_older_build_are_rejected_with_the_databases_name() {
    let database = test_postgres::database().await;
    open(&database.url).await.close().await;
    let older = "UPDATE event_store_migrations SET version = version % 1000, oldest_schema = 1";
    let mut connection = connect(&database.url).await;
    sqlx::query(older)
        .execute(&mut connection)
        .await
        .expect("as it was");
    let name: String = sqlx::query_scalar("SELECT current_database()::text")
        .fetch_one(&mut connection)
        .await
        .expect("a name");
    for settings in [Settings::default(), without_migrations()] {
        let (error, cause) = open_error(&database.url, settings).await;
        assert!(matches!(error, StoreError::Failed { .. }), "{error:?}");
        for part in [name.as_str(), "format 0", "format 4"] {
            assert!(cause.contains(part), "{cause}");
        }
    }
}

#[tokio::test]
async fn a_replica_is_rejected() {
    let cluster = Cluster::start().await;
    let database = cluster.database().await;
    open(&database.url).await.close().await;
    cluster.become_replica().await;
    let (error, cause) = open_error(&database.url, Settings::default()).await;
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    assert!(cause.contains("replica"), "{cause}");
}

#[tokio::test]
async fn a_server_with_unsafe_settings_is_accepted() {
    let careless = [("fsync", "off"), ("full_page_writes", "off")];
    let cluster = Cluster::start_with(&careless).await;
    let database = cluster.database().await;
    let store = open(&database.url).await;
    assert_eq!(store.head().await.expect("the head").0, 0);
}

#[tokio::test]
async fn an_invalid_url_is_permanent_and_an_unreachable_server_is_not() {
    let (error, _) = open_error("postgres://[", Settings::default()).await;
    assert!(matches!(error, StoreError::Failed { .. }), "{error:?}");
    let url = "postgres://no_user:secret@localhost/nothing?host=/no/such/folder";
    let (error, cause) = open_error(url, Settings::default()).await;
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    let place = "PostgreSQL at /no/such/folder/.s.PGSQL.5432: ";
    assert!(cause.starts_with(place), "{cause}");
    assert!(!cause.contains("secret"), "{cause}");
    // No server listens on port 1.
    let (_, cause) = open_error(
        "postgres://no_user@127.0.0.1:1/nothing",
        Settings::default(),
    )
    .await;
    assert!(cause.starts_with("PostgreSQL at 127.0.0.1:1: "), "{cause}");
}

#[tokio::test]
async fn a_missing_root_certificate_is_reported_before_a_connection_is_made() {
    let url = "postgres://no_user@127.0.0.1:1/nothing?sslmode=verify-full&sslrootcert=/no/root.pem";
    let (error, cause) = open_error(url, Settings::default()).await;
    assert!(matches!(error, StoreError::Failed { .. }), "{error:?}");
    assert!(
        cause.contains("TLS: the file \"/no/root.pem\" that sslrootcert names"),
        "{cause}"
    );
}

#[tokio::test]
async fn a_held_migration_lock_is_reported_as_retryable() {
    let database = test_postgres::database().await;
    let mut holder = connect(&database.url).await;
    let lock = "SELECT pg_advisory_lock(hashtextextended(current_schema()::text, x'6576656e7473'::bigint))";
    sqlx::query(lock).execute(&mut holder).await.expect("lock");
    let (error, cause) = open_error(&database.url, Settings::default()).await;
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    assert!(
        cause.ends_with("another session holds the lock of the migrations"),
        "{cause}"
    );
    sqlx::query("SELECT pg_advisory_unlock_all()")
        .execute(&mut holder)
        .await
        .expect("unlock");
    open(&database.url).await.close().await;
}
