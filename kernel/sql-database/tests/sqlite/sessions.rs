//! Connections are used again only if they are in order.

use sql_database::sqlite::{Durability, Readers};

use crate::support::{Place, keys, kind, take};

#[tokio::test]
async fn an_interrupted_statement_costs_its_connection() {
    let place = Place::new();
    let file = place.file(Durability::Full).await;
    let mut session = file.writer().await.unwrap();
    let mut handle = session.connection().lock_handle().await.unwrap();
    handle.set_progress_handler(1, || false);
    drop(handle);
    let made = sqlx::query("CREATE TABLE t (x)")
        .execute(session.connection())
        .await;
    let error = session.settle(made).await.expect_err("it was interrupted");
    assert_eq!(error.as_database_error().unwrap().code().unwrap(), "9");
    // The handler would interrupt this one too.
    let mut session = file.writer().await.unwrap();
    let made = sqlx::query("CREATE TABLE t (x)")
        .execute(session.connection())
        .await;
    session.settle(made).await.unwrap();
}

#[tokio::test]
async fn a_transaction_that_is_dropped_or_ended_by_an_error_leaves_nothing() {
    let place = Place::new();
    let database = place.database().await;
    let mut transaction = database.begin().await.unwrap();
    transaction.execute(take("dropped")).await.unwrap();
    drop(transaction);

    let mut transaction = database.begin().await.unwrap();
    transaction.execute(take("rolled back")).await.unwrap();
    transaction.rollback().await.unwrap();

    let mut transaction = database.begin().await.unwrap();
    transaction.execute(take("refused")).await.unwrap();
    let refused = transaction.run_script("x", "INSERT INTO keys (key) VALUES ('refused')");
    assert_eq!(kind(&refused.await.unwrap_err()), "permanent");
    drop(transaction);

    database.execute(take("kept")).await.unwrap();
    assert_eq!(keys(&database).await, ["kept"]);
}

#[tokio::test]
async fn a_refused_statement_does_not_cost_its_connection() {
    let place = Place::new();
    let file = place.file(Durability::Full).await;
    let mut session = file.reader(Readers::Main).await.unwrap();
    let set = sqlx::query("PRAGMA cache_size = -7777")
        .execute(session.connection())
        .await;
    session.settle(set).await.unwrap();
    let mut session = file.reader(Readers::Main).await.unwrap();
    let wrong = sqlx::query("SELECT * FROM nowhere")
        .fetch_all(session.connection())
        .await;
    assert!(session.settle(wrong).await.is_err());
    let mut session = file.reader(Readers::Main).await.unwrap();
    let kept: Vec<(i64,)> = sqlx::query_as("PRAGMA cache_size")
        .fetch_all(session.connection())
        .await
        .unwrap();
    session.settle(Ok(())).await.unwrap();
    assert_eq!(kept, [(-7777,)]);
}

#[tokio::test]
async fn a_closed_file_gives_no_connection_and_leaves_no_log() {
    let place = Place::new();
    let database = place.database().await;
    database.execute(take("a")).await.unwrap();
    database.close().await;
    database.close().await;
    assert!(database.execute(take("b")).await.is_err());
    assert!(!place.wal().exists(), "the log was folded in");
}
