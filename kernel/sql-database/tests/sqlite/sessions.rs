//! Connections are reused only if no error may have broken them.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use sql_database::sqlite::{Durability, FileOptions, Readers};
use sql_database::{SqliteFile, Transaction};

use crate::support::{Place, keys, kind, take};

#[tokio::test]
async fn an_interrupted_statement_closes_its_connection() {
    let place = Place::new();
    let file = place.file(Durability::Full).await;
    let mut session = file.writer().await.unwrap();
    let mut handle = session.connection().lock_handle().await.unwrap();
    handle.set_progress_handler(1, || false);
    drop(handle);
    let made = sqlx::query("CREATE TABLE t (x)")
        .execute(session.connection())
        .await;
    let error = session.finish(made).await.expect_err("it was interrupted");
    assert_eq!(error.as_database_error().unwrap().code().unwrap(), "9");
    // On the old connection the handler would interrupt this one too.
    let mut session = file.writer().await.unwrap();
    let made = sqlx::query("CREATE TABLE t (x)")
        .execute(session.connection())
        .await;
    session.finish(made).await.unwrap();
}

#[tokio::test]
async fn a_transaction_that_was_dropped_or_failed_leaves_no_rows() {
    let place = Place::new();
    let database = place.database().await;
    let mut transaction = database.begin().await.unwrap();
    transaction.execute(take("dropped")).await.unwrap();
    drop(transaction);

    let mut transaction = database.begin().await.unwrap();
    transaction.execute(take("rolled back")).await.unwrap();
    transaction.rollback().await.unwrap();

    let mut transaction = database.begin().await.unwrap();
    transaction.execute(take("rejected")).await.unwrap();
    let rejected = transaction.run_script("x", "INSERT INTO keys (key) VALUES ('rejected')");
    assert_eq!(kind(&rejected.await.unwrap_err()), "permanent");
    drop(transaction);

    database.execute(take("committed")).await.unwrap();
    assert_eq!(keys(&database).await, ["committed"]);
}

/// An interrupt rolls back the whole transaction, so that a later statement would commit by itself.
#[tokio::test]
async fn an_error_that_ended_the_transaction_fails_all_later_statements() {
    let place = Place::new();
    let database = place.database().await;
    let mut transaction = database.begin().await.unwrap();
    transaction.execute(take("before")).await.unwrap();
    let Transaction::Sqlite(inner) = &mut transaction else {
        panic!("a file");
    };
    let mut handle = inner.connection().lock_handle().await.unwrap();
    handle.set_progress_handler(1, || false);
    drop(handle);
    let interrupted = transaction.execute(take("interrupted")).await;
    interrupted.expect_err("it was interrupted");
    let Transaction::Sqlite(inner) = &mut transaction else {
        panic!("a file");
    };
    let mut handle = inner.connection().lock_handle().await.unwrap();
    handle.remove_progress_handler();
    drop(handle);
    let later = transaction.execute(take("later")).await;
    later.expect_err("the transaction has ended");
    let committed = transaction.commit("commit").await;
    committed.expect_err("the transaction has ended");
    assert!(keys(&database).await.is_empty());
}

#[tokio::test]
async fn a_rejected_statement_does_not_close_its_connection() {
    let place = Place::new();
    let file = place.file(Durability::Full).await;
    let mut session = file.reader(Readers::Main).await.unwrap();
    let set = sqlx::query("PRAGMA cache_size = -7777")
        .execute(session.connection())
        .await;
    session.finish(set).await.unwrap();
    let mut session = file.reader(Readers::Main).await.unwrap();
    let wrong = sqlx::query("SELECT * FROM nowhere")
        .fetch_all(session.connection())
        .await;
    assert!(session.finish(wrong).await.is_err());
    let mut session = file.reader(Readers::Main).await.unwrap();
    let unchanged: Vec<(i64,)> = sqlx::query_as("PRAGMA cache_size")
        .fetch_all(session.connection())
        .await
        .unwrap();
    session.finish(Ok(())).await.unwrap();
    assert_eq!(unchanged, [(-7777,)]);
}

#[tokio::test]
async fn a_closed_file_rejects_statements_and_has_no_log() {
    let place = Place::new();
    let database = place.database().await;
    database.execute(take("a")).await.unwrap();
    database.close().await;
    database.close().await;
    assert!(database.execute(take("b")).await.is_err());
    assert!(
        !place.wal().exists(),
        "the log was merged into the database"
    );
}

#[tokio::test]
async fn all_files_of_a_database_are_accessible_to_this_user_only() {
    let place = Place::new();
    let folder = place.path().with_file_name("of the shop");
    let path = folder.join("events.db");
    let file = SqliteFile::open(FileOptions::new(&path, Durability::Full)).await;
    let mut session = file.as_ref().unwrap().writer().await.unwrap();
    let made = sqlx::query("CREATE TABLE t (x)")
        .execute(session.connection())
        .await;
    session.finish(made).await.unwrap();
    let rights = |path: &Path| path.metadata().unwrap().mode() & 0o777;
    assert_eq!(rights(&folder), 0o700);
    let files: Vec<_> = std::fs::read_dir(&folder).unwrap().collect();
    assert!(
        files.len() >= 3,
        "the database, its log and the log's index"
    );
    for file in files {
        assert_eq!(rights(&file.unwrap().path()), 0o600);
    }
}
