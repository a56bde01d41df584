//! Checks a SQLite file. It is only read.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, geteuid, test_kill_process};
use sql_database::sqlite;
use sql_database::{Database, Statement};

use super::check::{Checks, Status};
use crate::backup::CONNECTIONS;
use crate::terminal::{size, while_running};

/// The permissions of the group and of others.
const OTHERS: u32 = 0o077;
/// A longer one is truncated by a shop that runs, unless a reader keeps it open.
const MAX_WAL_BYTES: u64 = 64 * 1024 * 1024;

/// Checks the file of the database `name`. Returns false if there is none.
pub async fn check(checks: &mut Checks, name: &'static str, url: &str) -> bool {
    let path = sqlite::FileOptions::path_of(url);
    let shown = path.display();
    let file = match path.metadata() {
        Ok(file) => file,
        Err(error) => {
            let action = "the first start creates it; if it was lost, restore a backup: shop restore --from FOLDER";
            checks.warning(name, format!("{shown}: {error}"), action);
            return false;
        }
    };
    checks.ok(name, format!("{shown}, {}", size(file.len())));
    let mode = file.mode() & 0o7777;
    let is_private = mode & OTHERS == 0;
    let otherwise = (Status::Warning, "keep it private: chmod go= FILE");
    let permissions = format!("{name}: permissions");
    checks.expect(permissions, is_private, otherwise, format!("{mode:04o}"));
    if file.uid() != geteuid().as_raw() {
        let found = format!(
            "user {} owns it, this command runs as user {}",
            file.uid(),
            geteuid().as_raw()
        );
        checks.warning(
            format!("{name}: owner"),
            found,
            "run the shop as the owner of its files",
        );
    }
    journal(checks, name, &path, url).await;
    let damages = while_running(name, sqlite::damages(&path)).await;
    let content = format!("{name}: content");
    match damages {
        Ok(damages) if damages.is_empty() => checks.ok(content, "SQLite finds no damage"),
        Ok(damages) => checks.failed(
            content,
            damages.join("; "),
            "stop the shop, keep a copy of the files, and restore a backup: shop restore --from FOLDER --replace",
        ),
        Err(error) => checks.failed(
            content,
            error.to_string(),
            "look at the file and its disk; if it is damaged, restore a backup",
        ),
    }
    true
}

async fn journal(checks: &mut Checks, name: &'static str, path: &Path, url: &str) {
    const MODE: &str = "SELECT journal_mode FROM pragma_journal_mode";
    let check = format!("{name}: write-ahead log");
    let read = async {
        let database = Database::open_read_only("open the file", url, CONNECTIONS).await?;
        let mode = Statement::new("read the journal mode", MODE);
        let mode: Result<Option<(String,)>, _> = database.fetch_optional(mode).await;
        database.close().await;
        mode
    };
    match read.await {
        Ok(Some((mode,))) if mode == "wal" => {
            let mut log = path.as_os_str().to_owned();
            log.push("-wal");
            let bytes = PathBuf::from(log).metadata().map_or(0, |log| log.len());
            let action = "look for a program that keeps the file open, such as a shell or a backup";
            let otherwise = (Status::Warning, action);
            checks.expect(check, bytes <= MAX_WAL_BYTES, otherwise, size(bytes));
        }
        Ok(mode) => {
            let mode = mode.map_or_else(|| "unknown".to_owned(), |(mode,)| mode);
            let action = "nothing after a restore: the next start switches it on; otherwise find what has changed it";
            checks.warning(check, format!("off: the journal mode is {mode}"), action);
        }
        Err(error) => checks.failed(check, error.to_string(), "look at the file and its disk"),
    }
}

/// Which process writes to the event store.
pub fn holder(checks: &mut Checks, url: &str) {
    const NAME: &str = "event store: writing process";
    let mut lock = sqlite::FileOptions::path_of(url).into_os_string();
    lock.push(".lock");
    let text = std::fs::read_to_string(PathBuf::from(lock)).unwrap_or_default();
    let holder = text.trim().parse().ok().and_then(Pid::from_raw);
    // The lock itself is not tried: taking it for a moment could make a start fail.
    match holder {
        // A process of another user exists too, although it may not be signalled.
        Some(pid) if !matches!(test_kill_process(pid), Err(rustix::io::Errno::SRCH)) => {
            checks.ok(NAME, format!("process {}", pid.as_raw_nonzero()));
        }
        _ => checks.ok(NAME, "none"),
    }
}
