//! A start that waits for a database: it logs what it waits for, continues once it can, and fails after its timeout.

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};

use anyhow::{Context, Result};
use sqlx::{Connection, PgConnection};
use test_postgres::{Cluster, TestDatabase};
use test_shop::Folder;

use crate::support::{LISTENERS, SHOP};

const URLS: [&str; 3] = [
    "EVENT_STORE_URL",
    "COMMAND_DATABASE_URL",
    "QUERY_DATABASE_URL",
];

/// A shop that may not have started. The process is killed with the test, also when the test fails.
struct Starting {
    child: Child,
    log: Lines<BufReader<ChildStderr>>,
    signs: Lines<BufReader<ChildStdout>>,
}

impl Drop for Starting {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Starting {
    fn on(folder: &Folder, urls: [&str; 3], settings: &[(&str, &str)]) -> Result<Self> {
        let mut child = Command::new(SHOP)
            .current_dir(folder.path())
            .env_clear()
            .envs(LISTENERS.map(|listener| (listener, "127.0.0.1:0")))
            .envs(URLS.iter().zip(urls))
            .envs(settings.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let log = BufReader::new(child.stderr.take().context("a pipe")?).lines();
        let signs = BufReader::new(child.stdout.take().context("a pipe")?).lines();
        Ok(Self { child, log, signs })
    }

    /// The next log line about what the start waits for.
    fn waits(&mut self) -> Result<String> {
        let mut log = self.log.by_ref().map_while(Result::ok);
        let line = log.find(|line| line.contains("the start waits"));
        line.context("the process ended without such a line")
    }

    fn is_open(&mut self) -> Result<()> {
        let sign = self.signs.next().context("the process ended")??;
        assert_eq!(sign, "The shop is open.");
        Ok(())
    }

    /// Waits for the end; returns the exit code and the remaining log.
    fn ended(mut self) -> Result<(Option<i32>, String)> {
        let log: Vec<String> = self.log.by_ref().map_while(Result::ok).collect();
        Ok((self.child.wait()?.code(), log.join("\n")))
    }
}

async fn three(cluster: &Cluster) -> [TestDatabase; 3] {
    [
        cluster.database().await,
        cluster.database().await,
        cluster.database().await,
    ]
}

fn urls(databases: &[TestDatabase; 3]) -> [&str; 3] {
    databases.each_ref().map(|database| database.url.as_str())
}

#[tokio::test]
async fn a_start_waits_for_a_server_and_names_its_setting() -> Result<()> {
    let cluster = Cluster::start().await;
    let databases = three(&cluster).await;
    let folder = Folder::create()?;
    cluster.stop_immediately().await;
    let mut shop = Starting::on(&folder, urls(&databases), &[])?;
    let line = shop.waits()?;
    for part in [
        "open the event store (EVENT_STORE_URL)",
        "EVENT_STORE_URL: ",
        "PostgreSQL at ",
        ".s.PGSQL.",
    ] {
        assert!(line.contains(part), "{part:?} is not in: {line}");
    }
    cluster.start_again().await;
    shop.is_open()
}

#[tokio::test]
async fn a_start_waits_for_the_migration_lock_and_names_its_setting() -> Result<()> {
    let cluster = Cluster::start().await;
    let databases = three(&cluster).await;
    let keys = [0x6576_656e_7473_i64, 7_236_413_219, 7_236_413_218];
    let lock = "SELECT pg_advisory_lock(hashtextextended(current_schema()::text, $1))";
    let folder = Folder::create()?;
    let mut holders = Vec::new();
    for (url, key) in urls(&databases).into_iter().zip(keys) {
        let mut holder = PgConnection::connect(url).await?;
        sqlx::query(lock).bind(key).execute(&mut holder).await?;
        holders.push(holder);
    }
    let mut shop = Starting::on(&folder, urls(&databases), &[])?;
    for (name, holder) in URLS.iter().zip(holders) {
        let line = loop {
            let line = shop.waits()?;
            if line.contains(&format!("({name})")) {
                break line;
            }
        };
        let cause = "another session holds the lock of the migrations";
        assert!(line.contains(name) && line.contains(cause), "{line}");
        holder.close().await?;
    }
    shop.is_open()
}

#[tokio::test]
async fn a_start_fails_at_its_timeout_and_names_what_it_waited_for() -> Result<()> {
    let folder = Folder::create()?;
    // Nothing listens on port 1.
    let url = "postgres://me:secret@127.0.0.1:1/shop";
    let limit = [("START_TIMEOUT_MS", "200")];
    let shop = Starting::on(&folder, [url; 3], &limit)?;
    let (code, log) = shop.ended()?;
    assert_eq!(code, Some(1), "{log}");
    let expected = "error: EVENT_STORE_URL: open the event store: the store is unavailable: \
                    PostgreSQL at 127.0.0.1:1: ";
    assert!(log.starts_with(expected), "{log}");
    assert!(!log.contains("secret"), "{log}");
    Ok(())
}

#[tokio::test]
async fn a_permanent_error_fails_the_start_immediately() -> Result<()> {
    let folder = Folder::create()?;
    let url = "postgres://me@127.0.0.1:1/shop?sslmode=verify-full&sslrootcert=/no/root.pem";
    let (code, log) = Starting::on(&folder, [url; 3], &[])?.ended()?;
    assert_eq!(code, Some(1), "{log}");
    for part in ["EVENT_STORE_URL", "127.0.0.1:1", "TLS", "/no/root.pem"] {
        assert!(log.contains(part), "{part:?} is not in: {log}");
    }
    Ok(())
}

#[tokio::test]
async fn a_waiting_start_can_be_stopped() -> Result<()> {
    let folder = Folder::create()?;
    let url = "postgres://me@127.0.0.1:1/shop";
    // The timeout is long enough that the signal arrives first; after it the start would exit with 1.
    let mut shop = Starting::on(&folder, [url; 3], &[("START_TIMEOUT_MS", "20000")])?;
    shop.waits()?;
    let pid = shop.child.id().to_string();
    Command::new("kill").args(["-s", "TERM", &pid]).status()?;
    let (code, log) = shop.ended()?;
    assert_eq!(code, Some(0), "{log}");
    Ok(())
}

#[tokio::test]
async fn migrate_creates_the_tables_and_exits() -> Result<()> {
    let cluster = Cluster::start().await;
    let databases = three(&cluster).await;
    let folder = Folder::create()?;
    let without = [("MIGRATE", "off")];
    let (code, log) = Starting::on(&folder, urls(&databases), &without)?.ended()?;
    assert_eq!(code, Some(1), "{log}");
    assert!(log.contains("has not run, and migrations are off"), "{log}");
    let migrated = Command::new(SHOP)
        .arg("migrate")
        .env_clear()
        .envs(URLS.iter().zip(urls(&databases)))
        .output()?;
    let errors = String::from_utf8_lossy(&migrated.stderr).into_owned();
    assert!(migrated.status.success(), "{errors}");
    let output = String::from_utf8_lossy(&migrated.stdout).into_owned();
    assert!(
        output.starts_with("The databases are up to date: postgres://"),
        "{output}"
    );
    Starting::on(&folder, urls(&databases), &without)?.is_open()
}
