//! A temporary cluster.

use std::fmt::Write as _;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::binaries;
use crate::random::random_name;
use crate::test_database::TestDatabase;

/// The name of the socket file; nothing listens on this port.
const PORT: u16 = 5432;

/// The path of a socket is limited to about 100 bytes.
const MAX_TEMP_DIR_BYTES: usize = 50;

/// Waits for the end of the process that created the cluster, then stops it and removes its files. It ignores signals
/// that a terminal sends to the whole process group.
const WATCHDOG: &str = r#"
trap "" HUP INT TERM
read -r _
"$1/pg_ctl" -D "$2/data" -m immediate -w stop
rm -rf "$2"
"#;

/// A private PostgreSQL server. Dropping it stops it and removes its data.
#[derive(Debug)]
pub struct Cluster {
    bin: PathBuf,
    folder: PathBuf,
    account: Option<Account>,
    watchdog: Child,
}

/// The user that the server runs as if the tests run as root, because PostgreSQL does not run as root.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl Cluster {
    /// Creates and starts a cluster with the default settings of PostgreSQL, which are durable.
    ///
    /// # Panics
    /// If PostgreSQL is not installed or does not start.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// As [`start`](Self::start), with settings for `postgresql.conf`.
    ///
    /// # Panics
    /// If PostgreSQL is not installed or does not start.
    pub async fn start_with(settings: &[(&str, &str)]) -> Self {
        let bin = binaries::folder();
        let (folder, account) = folder_for_server();
        let watchdog = watch(&bin, &folder, account);
        let cluster = Self {
            bin,
            folder,
            account,
            watchdog,
        };
        cluster.make_data().await;
        cluster.configure(settings);
        cluster.start_again().await;
        cluster
    }

    /// The URL of one of its databases, for the superuser; `postgres` always exists.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        let folder = self.folder.display();
        format!("postgres://postgres@localhost:{PORT}/{database}?host={folder}")
    }

    /// The folder of its socket, and the port in the socket's name.
    pub(crate) fn socket(&self) -> (&Path, u16) {
        (&self.folder, PORT)
    }

    /// Creates an empty database. It is removed with the cluster.
    ///
    /// # Panics
    /// If the server does not answer.
    pub async fn database(&self) -> TestDatabase {
        TestDatabase::create(&self.url("postgres"), |name| self.url(name), false).await
    }

    /// Stops the server as a crash does: without a checkpoint, and connections break.
    ///
    /// # Panics
    /// If it was not running.
    pub async fn stop_immediately(&self) {
        self.pg_ctl(&["-m", "immediate", "-w", "stop"]).await;
    }

    /// Starts the server after [`stop_immediately`](Self::stop_immediately).
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start_again(&self) {
        let log = self.folder.join("log");
        self.pg_ctl(&["-l", &log.to_string_lossy(), "-w", "start"])
            .await;
    }

    /// Restarts the server as a replica: it follows no other server, but behaves as one that does.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn become_replica(&self) {
        self.pg_ctl(&["-m", "fast", "-w", "stop"]).await;
        let signal = self.folder.join("data/standby.signal");
        std::fs::write(&signal, "")
            .unwrap_or_else(|error| panic!("write {}: {error}", signal.display()));
        self.start_again().await;
    }

    async fn pg_ctl(&self, arguments: &[&str]) {
        let mut command = command(&self.bin.join("pg_ctl"), self.account);
        command
            .arg("-D")
            .arg(self.folder.join("data"))
            .args(arguments);
        if !run(command).await {
            let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            panic!("pg_ctl {arguments:?} failed; the server's log:\n{log}");
        }
    }

    async fn make_data(&self) {
        let by_language = ["--locale-provider=icu", "--icu-locale=en-US"];
        // Servers before 15, or without ICU, sort only by bytes.
        if !self.initdb(&by_language).await {
            assert!(self.initdb(&[]).await, "initdb failed");
        }
    }

    async fn initdb(&self, options: &[&str]) -> bool {
        let mut command = command(&self.bin.join("initdb"), self.account);
        command
            .arg("-D")
            .arg(self.folder.join("data"))
            .args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale"])
            .args(["--no-sync", "--no-instructions"])
            .args(options);
        run(command).await
    }

    fn configure(&self, settings: &[(&str, &str)]) {
        let path = self.folder.join("data/postgresql.conf");
        let mut text = std::fs::read_to_string(&path).unwrap_or_default();
        let folder = self.folder.display();
        let _ = write!(
            text,
            "\nlisten_addresses = ''\nport = {PORT}\nunix_socket_directories = '{folder}'\n\
             max_connections = 300\n"
        );
        for (name, value) in settings {
            let _ = writeln!(text, "{name} = '{value}'");
        }
        std::fs::write(&path, text)
            .unwrap_or_else(|error| panic!("write {}: {error}", path.display()));
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        let _ = self.watchdog.wait();
    }
}

/// A command that runs as the cluster's user, without output, in a folder that any user may enter.
pub(crate) fn command(program: &Path, account: Option<Account>) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if let Some(Account { uid, gid }) = account {
        command.uid(uid).gid(gid);
    }
    command
}

async fn run(command: Command) -> bool {
    let program = command.get_program().to_owned();
    tokio::process::Command::from(command)
        .status()
        .await
        .unwrap_or_else(|error| panic!("{}: {error}", program.display()))
        .success()
}

fn watch(bin: &Path, folder: &Path, account: Option<Account>) -> Child {
    command(Path::new("/bin/sh"), account)
        .args(["-c", WATCHDOG, "sh"])
        .arg(bin)
        .arg(folder)
        .stdin(Stdio::piped())
        .process_group(0)
        .spawn()
        .unwrap_or_else(|error| panic!("start the watchdog shell: {error}"))
}

/// Creates a folder that belongs to the user that servers run as.
pub(crate) fn folder_for_server() -> (PathBuf, Option<Account>) {
    let folder = temporary_folder();
    let account = account_for(&folder);
    if let Some(Account { uid, gid }) = account {
        chown(&folder, Some(uid), Some(gid))
            .unwrap_or_else(|error| panic!("chown {}: {error}", folder.display()));
    }
    (folder, account)
}

fn temporary_folder() -> PathBuf {
    let parent = Some(std::env::temp_dir())
        .filter(|folder| folder.as_os_str().len() <= MAX_TEMP_DIR_BYTES)
        .unwrap_or_else(|| PathBuf::from("/tmp"));
    let folder = parent.join(format!("test-postgres-{}", random_name()));
    std::fs::create_dir(&folder)
        .unwrap_or_else(|error| panic!("create {}: {error}", folder.display()));
    folder
}

/// `None` unless this process runs as root, which the owner of the new folder shows.
fn account_for(folder: &Path) -> Option<Account> {
    let owner = std::fs::metadata(folder).map(|metadata| metadata.uid());
    if !matches!(owner, Ok(0)) {
        return None;
    }
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let find = |wanted: &str| {
        accounts.lines().find_map(|line| {
            let mut fields = line.split(':');
            let (name, _) = (fields.next()?, fields.next()?);
            let uid = fields.next()?.parse().ok()?;
            let gid = fields.next()?.parse().ok()?;
            (name == wanted).then_some(Account { uid, gid })
        })
    };
    let account = find("postgres").or_else(|| find("nobody"));
    assert!(
        account.is_some(),
        "PostgreSQL does not run as root, and there is no user `postgres` or `nobody` to run it as"
    );
    account
}
