//! PgBouncer as a pooler for a cluster.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};

use crate::cluster::{Cluster, command, folder_for_server};

/// The name of the socket file; nothing listens on this port.
const PORT: u16 = 6432;

/// Folders of the installed program, which are not always in the `PATH`.
const FOLDERS: [&str; 4] = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"];

/// Timeout until it answers the first connection.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// Runs PgBouncer, waits for the end of the process that started it, then stops it and removes its files. It ignores
/// signals that a terminal sends to the whole process group.
const WATCHDOG: &str = r#"
trap "" HUP INT TERM
"$1" -q "$2/pgbouncer.ini" < /dev/null &
read -r _
kill -9 $!
rm -rf "$2"
"#;

/// How long a client keeps a server connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolMode {
    /// Until it disconnects.
    Session,
    Transaction,
    Statement,
}

/// A running PgBouncer. Dropping it stops it.
#[derive(Debug)]
pub struct PgBouncer {
    folder: PathBuf,
    watchdog: Child,
}

impl PgBouncer {
    /// Starts it with the defaults of its package, for all databases of `cluster`.
    ///
    /// # Panics
    /// If it is not installed or does not start.
    pub async fn start(cluster: &Cluster, mode: PoolMode) -> Self {
        Self::start_with(cluster, mode, &[]).await
    }

    /// As [`start`](Self::start), with settings for `pgbouncer.ini`.
    ///
    /// # Panics
    /// If it is not installed or does not start.
    pub async fn start_with(cluster: &Cluster, mode: PoolMode, settings: &[(&str, &str)]) -> Self {
        let program = program();
        let (folder, account) = folder_for_server();
        let file = folder.join("pgbouncer.ini");
        std::fs::write(&file, configuration(cluster, &folder, mode, settings))
            .unwrap_or_else(|error| panic!("write {}: {error}", file.display()));
        let watchdog = command(Path::new("/bin/sh"), account)
            .args(["-c", WATCHDOG, "sh"])
            .arg(&program)
            .arg(&folder)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("start a shell for PgBouncer: {error}"));
        let started = Self { folder, watchdog };
        started.answers().await;
        started
    }

    /// The URL of a database of the cluster through the pooler.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        let folder = self.folder.display();
        format!("postgres://postgres@localhost:{PORT}/{database}?host={folder}&sslmode=disable")
    }

    async fn answers(&self) {
        let deadline = Instant::now() + START_TIMEOUT;
        let options: PgConnectOptions = self.url("postgres").parse().expect("its own address");
        let options = options.extra_float_digits(None);
        loop {
            match PgConnection::connect_with(&options).await {
                // An error is ignored, because the connection has shown that PgBouncer answers.
                Ok(connection) => return drop(connection.close().await),
                Err(error) if Instant::now() > deadline => {
                    let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                    panic!("PgBouncer does not answer: {error}; its log:\n{log}");
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        let _ = self.watchdog.wait();
    }
}

fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(FOLDERS.map(PathBuf::from));
    let mut programs = folders.map(|folder| folder.join("pgbouncer"));
    programs.find(|program| program.is_file()).unwrap_or_else(|| {
        panic!(
            "these tests need PgBouncer: install it (Debian, Ubuntu: `apt-get install pgbouncer`; Fedora: \
             `dnf install pgbouncer`; macOS: `brew install pgbouncer`)"
        )
    })
}

fn configuration(
    cluster: &Cluster,
    folder: &Path,
    mode: PoolMode,
    settings: &[(&str, &str)],
) -> String {
    let (server, port) = cluster.socket();
    let mode = match mode {
        PoolMode::Session => "session",
        PoolMode::Transaction => "transaction",
        PoolMode::Statement => "statement",
    };
    let (server, folder) = (server.display(), folder.display());
    let settings: Vec<String> = settings
        .iter()
        .map(|(name, value)| format!("{name} = {value}\n"))
        .collect();
    let settings = settings.concat();
    format!(
        "[databases]\n\
         * = host={server} port={port} user=postgres\n\
         [pgbouncer]\n\
         unix_socket_dir = {folder}\n\
         listen_port = {PORT}\n\
         logfile = {folder}/log\n\
         auth_type = any\n\
         pool_mode = {mode}\n\
         default_pool_size = 100\n\
         {settings}"
    )
}
