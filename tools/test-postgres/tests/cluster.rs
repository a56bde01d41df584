//! The guarantees of a temporary cluster.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sqlx::{Connection, PgConnection};
use test_postgres::{Cluster, database};

/// Set in the child process, to the file that it writes its URL to.
const ROLE: &str = "TEST_POSTGRES_ROLE";

async fn count_tables(url: &str) -> i64 {
    let mut connection = PgConnection::connect(url).await.expect("connect");
    sqlx::query_scalar("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        .fetch_one(&mut connection)
        .await
        .expect("count")
}

async fn create_table(url: &str) {
    let mut connection = PgConnection::connect(url).await.expect("connect");
    sqlx::raw_sql("CREATE TABLE t (x int)")
        .execute(&mut connection)
        .await
        .expect("create");
}

#[tokio::test]
async fn each_database_is_empty_and_separate() {
    let first = database().await;
    create_table(&first.url).await;
    let second = database().await;
    assert_eq!(count_tables(&first.url).await, 1);
    assert_eq!(count_tables(&second.url).await, 0);
}

#[tokio::test]
async fn committed_data_survives_an_immediate_stop() {
    let cluster = Cluster::start().await;
    let database = cluster.database().await;
    create_table(&database.url).await;
    cluster.stop_immediately().await;
    assert!(PgConnection::connect(&database.url).await.is_err());
    cluster.start_again().await;
    assert_eq!(count_tables(&database.url).await, 1);
}

#[tokio::test]
async fn settings_are_applied() {
    let cluster = Cluster::start_with(&[("fsync", "off")]).await;
    let mut connection = PgConnection::connect(&cluster.url("postgres"))
        .await
        .expect("connect");
    let value: String = sqlx::query_scalar("SELECT current_setting('fsync')")
        .fetch_one(&mut connection)
        .await
        .expect("read the setting");
    assert_eq!(value, "off");
}

/// The child process of the next test: starts a cluster, writes its URL to a file, and waits to be killed.
#[tokio::test]
async fn child_that_is_killed() {
    if std::env::var_os(ROLE).is_none() {
        return;
    }
    let cluster = Cluster::start().await;
    let url = cluster.url("postgres");
    std::fs::write(std::env::var_os(ROLE).expect("role"), &url).expect("write the URL");
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn the_cluster_of_a_killed_process_is_removed() {
    let note = std::env::temp_dir().join(format!("test-postgres-note-{}", std::process::id()));
    let mut child = Command::new(std::env::current_exe().expect("own path"))
        .args(["--exact", "child_that_is_killed"])
        .env(ROLE, &note)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("start the child");
    let url = wait_for("the child's cluster", || {
        std::fs::read_to_string(&note)
            .ok()
            .filter(|url| !url.is_empty())
    })
    .await;
    let folder = url.split("host=").nth(1).expect("folder").to_owned();
    assert!(std::path::Path::new(&folder).exists());
    child.kill().expect("kill");
    child.wait().expect("wait");
    std::fs::remove_file(&note).expect("remove the note");
    wait_for("the removal of the folder", || {
        (!std::path::Path::new(&folder).exists()).then_some(())
    })
    .await;
}

async fn wait_for<T>(what: &str, mut fact: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(value) = fact() {
            return value;
        }
        assert!(
            Instant::now() < deadline,
            "timeout while waiting for {what}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
