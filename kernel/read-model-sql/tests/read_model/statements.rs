//! The same SQL has the same result on both engines.

use read_model_sql::{Database, Engine, Statement};
use sqlx::AssertSqlSafe;

use crate::support::Fresh;

async fn texts(database: &Database, sql: String, list: &[&str]) -> Vec<(String,)> {
    database
        .fetch_all(Statement::new("test", AssertSqlSafe(sql)).bind_list(list))
        .await
        .expect("rows")
}

#[tokio::test]
async fn numbered_parameters_may_repeat_in_any_order() {
    for fresh in Fresh::both().await {
        let database = fresh.open().await;
        let row: Option<(String, i64, String)> = database
            .fetch_optional(
                Statement::new("test", "SELECT $2 || $2, $1 + 1, $2")
                    .bind(41)
                    .bind("a"),
            )
            .await
            .expect("a row");
        assert_eq!(row, Some(("aa".to_owned(), 42, "a".to_owned())));
    }
}

#[tokio::test]
async fn null_parameters_are_returned_as_null() {
    for fresh in Fresh::both().await {
        let database = fresh.open().await;
        let row: Option<(Option<i64>, Option<String>)> = database
            .fetch_optional(
                Statement::new("test", "SELECT $1, $2")
                    .bind(None::<i64>)
                    .bind(None::<String>),
            )
            .await
            .expect("a row");
        assert_eq!(row, Some((None, None)));
    }
}

#[tokio::test]
async fn a_list_of_any_texts_is_one_parameter() {
    let hard = ["", "a\"b", "c'd", "e\\f", "\u{1F600}", "[]", "null", "12"];
    for fresh in Fresh::both().await {
        let database = fresh.open().await;
        let list = database.engine().json_list("$1");
        let sql = format!("SELECT value FROM {list} AS list ORDER BY value");
        let mut found: Vec<String> = texts(&database, sql, &hard)
            .await
            .into_iter()
            .map(|(text,)| text)
            .collect();
        found.sort_unstable();
        let mut expected = hard.to_vec();
        expected.sort_unstable();
        assert_eq!(found, expected, "{:?}", database.engine());
        let none = texts(&database, format!("SELECT value FROM {list} AS list"), &[]).await;
        assert!(none.is_empty());
    }
}

#[tokio::test]
async fn substring_search_has_no_wildcards() {
    let cases = [
        ("50% off", "0% o", true),
        ("50% off", "5_%", false),
        ("a_b", "_", true),
        ("ab", "_", false),
        ("a\\b", "\\", true),
        ("ab", "%", false),
        ("anything", "", true),
    ];
    for fresh in Fresh::both().await {
        let database = fresh.open().await;
        let condition = database.engine().contains("$1", "$2");
        for (text, part, expected) in cases {
            let sql =
                format!("SELECT CAST(count(*) AS bigint) FROM (SELECT 1) AS one WHERE {condition}");
            let row: Option<(i64,)> = database
                .fetch_optional(
                    Statement::new("test", AssertSqlSafe(sql))
                        .bind(text)
                        .bind(part),
                )
                .await
                .expect("a row");
            let found = row.map(|(count,)| count == 1);
            assert_eq!(found, Some(expected), "{part:?} in {text:?}");
        }
    }
}

#[tokio::test]
async fn text_is_ordered_by_its_bytes() {
    for fresh in Fresh::both().await {
        let database = fresh.open().await;
        let mut transaction = database.begin().await.expect("a transaction");
        let ddl = format!("CREATE TABLE t (name {})", database.engine().text_type());
        transaction
            .run_script("test", AssertSqlSafe(ddl))
            .await
            .expect("a table");
        for name in ["b", "B", "a", "é", "z", "A b", "a-b"] {
            transaction
                .execute(Statement::new("test", "INSERT INTO t VALUES ($1)").bind(name))
                .await
                .expect("a row");
        }
        transaction.commit("test").await.expect("committed");
        let rows: Vec<(String,)> = database
            .fetch_all(Statement::new("test", "SELECT name FROM t ORDER BY name"))
            .await
            .expect("rows");
        let names: Vec<&str> = rows.iter().map(|(name,)| name.as_str()).collect();
        assert_eq!(names, ["A b", "B", "a", "a-b", "b", "z", "é"]);
    }
}

#[tokio::test]
async fn a_dropped_transaction_is_rolled_back() {
    for fresh in Fresh::both().await {
        let database = fresh.open().await;
        let mut transaction = database.begin().await.expect("a transaction");
        transaction
            .execute(Statement::new(
                "test",
                "INSERT INTO read_model_active VALUES ('lost', 1)",
            ))
            .await
            .expect("a row");
        drop(transaction);
        let rows: Vec<(String,)> = database
            .fetch_all(Statement::new(
                "test",
                "SELECT projection FROM read_model_active",
            ))
            .await
            .expect("rows");
        assert!(rows.is_empty());
    }
}

#[tokio::test]
async fn an_unknown_engine_is_rejected_without_showing_the_url() {
    let fresh = Fresh::sqlite();
    let error = read_model_sql::Database::open("mysql://secret@host/db", 1, fresh.clock.clone())
        .await
        .expect_err("no such engine");
    assert!(!error.is_retryable());
    assert!(!format!("{error:?}").contains("secret"));
    assert_eq!(fresh.open().await.engine(), Engine::Sqlite);
}

#[tokio::test]
async fn reads_succeed_after_the_server_ended_their_connections() {
    let fresh = Fresh::postgres().await;
    let database = fresh.open().await;
    let read = || async {
        let row: Option<(i64,)> = database
            .fetch_optional(Statement::new("test", "SELECT count(*) FROM pg_class"))
            .await
            .expect("read");
        assert!(row.is_some());
    };
    // Concurrent, so that the pool opens all its connections.
    tokio::join!(read(), read(), read(), read());
    let other = fresh.open().await;
    let mut transaction = other.begin().await.expect("a transaction");
    let ended: Vec<(bool,)> = transaction
        .fetch_all(Statement::new(
            "test",
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        ))
        .await
        .expect("ended");
    assert!(ended.len() >= 2, "{} connections were open", ended.len());
    tokio::join!(read(), read(), read(), read());
}
