//! Each schema version has its own table, and the view shows the first one.

use std::error::Error as _;

use read_model_sql::{Generation, Row, Statement};

use crate::support::{Counter, Counters, Fresh};

#[tokio::test]
async fn the_first_generation_is_shown_and_found_again() {
    for fresh in Fresh::both().await {
        let database = fresh.open().await;
        let first = Generation::ensure::<Counters>(&database)
            .await
            .expect("made");
        assert_eq!((first.number, first.is_active), (1, true));
        let again = Generation::ensure::<Counters>(&fresh.open().await)
            .await
            .expect("found");
        assert_eq!(again, first);
        let rows: Vec<Row<Counter>> = database
            .fetch_all(Statement::new(
                "test",
                "SELECT name, note, count FROM counters",
            ))
            .await
            .expect("the view");
        assert!(rows.is_empty());
    }
}

#[tokio::test]
async fn another_schema_version_gets_its_own_table_and_the_view_stays() {
    for fresh in Fresh::both().await {
        let database = fresh.open().await;
        let old = Generation::ensure::<Counters>(&database)
            .await
            .expect("made");
        let later = database.clone().with_versions_raised_by(1);
        let new = Generation::ensure::<Counters>(&later).await.expect("made");
        assert_eq!((new.number, new.is_active), (2, false));
        let still = Generation::ensure::<Counters>(&database)
            .await
            .expect("found");
        assert_eq!(still, old);
    }
}

#[tokio::test]
async fn concurrent_starts_create_one_generation() {
    let fresh = Fresh::postgres().await;
    let starts = (0..6).map(|_| async {
        let database = fresh.open().await;
        Generation::ensure::<Counters>(&database)
            .await
            .expect("made")
    });
    let mut started = Vec::new();
    let mut all: Vec<_> = starts.map(Box::pin).collect();
    let (a, b, c) = tokio::join!(all.remove(0), all.remove(0), all.remove(0));
    started.extend([a, b, c]);
    let (a, b, c) = tokio::join!(all.remove(0), all.remove(0), all.remove(0));
    started.extend([a, b, c]);
    assert!(started.iter().all(|generation| generation.number == 1));
}

#[tokio::test]
async fn a_database_for_newer_binaries_only_is_rejected() {
    for fresh in Fresh::both().await {
        let database = fresh.open().await;
        let newer = async |version: i64, serves_from: i64| {
            let mut transaction = database.begin().await.expect("a transaction");
            transaction
                .execute(
                    Statement::new("test", "INSERT INTO read_model_schema VALUES ($1, $2)")
                        .bind(version)
                        .bind(serves_from),
                )
                .await
                .expect("a row");
            transaction.commit("test").await.expect("committed");
        };
        newer(4_900, 1).await;
        fresh.open().await;
        newer(4_901, 4_901).await;
        let rejected = read_model_sql::Database::open(&fresh.url, 1, fresh.clock.clone()).await;
        assert!(!rejected.expect_err("too old").is_retryable());
    }
}

#[tokio::test]
async fn a_database_of_an_older_build_is_rejected_with_its_name() {
    for fresh in Fresh::both().await {
        let database = fresh.open().await;
        let older = "UPDATE read_model_schema SET version = version % 1000, serves_from = 1";
        let mut transaction = database.begin().await.expect("a transaction");
        transaction
            .run_script("test", older)
            .await
            .expect("as it was");
        transaction.commit("test").await.expect("committed");
        for rejected in [
            read_model_sql::Database::open(&fresh.url, 1, fresh.clock.clone()).await,
            read_model_sql::Database::connect(&fresh.url, 1, fresh.clock.clone()).await,
        ] {
            let rejected = rejected.expect_err("an older build");
            assert!(!rejected.is_retryable());
            let mut cause = rejected.source().expect("a cause");
            while let Some(deeper) = cause.source() {
                cause = deeper;
            }
            let cause = cause.to_string();
            let name = fresh.url.trim_start_matches("sqlite://");
            let name = name.split(['?', '/']).rfind(|part| cause.contains(part));
            assert!(name.is_some(), "{cause} should name {}", fresh.url);
            assert!(
                cause.contains("format 0") && cause.contains("format 4"),
                "{cause}"
            );
        }
    }
}
