//! Checks a PostgreSQL server and a database on it. It is only read.

use event_sourcing::{Clock, StoreError, SystemClock};
use platform::StartError;
use sql_database::{Database, Statement};

use super::check::{Checks, Status};
use crate::backup::CONNECTIONS;
use crate::terminal::size;

/// Deadlines and expiries are decided by the server's clock; a difference larger than this is reported by the services too.
const MAX_OFFSET_MS: i64 = 5_000;
/// Longer transactions keep the server from removing old rows.
const LONG_TRANSACTION_SECONDS: i64 = 300;
/// An append holds the lock for milliseconds.
const LONG_APPEND_SECONDS: i64 = 10;

/// The settings in the order of [`SETTINGS`].
type SettingsRow = (
    String,
    String,
    String,
    String,
    String,
    String,
    String,
    i64,
    i64,
    i64,
);

const SETTINGS: &str = "SELECT current_setting('server_version'), current_setting('fsync'), \
     current_setting('full_page_writes'), \
     (SELECT reset_val FROM pg_settings WHERE name = 'synchronous_commit'), \
     current_setting('default_transaction_isolation'), current_setting('default_transaction_read_only'), \
     pg_is_in_recovery()::text, \
     current_setting('max_connections')::bigint - current_setting('superuser_reserved_connections')::bigint, \
     pg_database_size(current_database()), \
     (extract(epoch FROM clock_timestamp()) * 1000)::bigint";
/// True before the first migration, which makes the table.
const MAY_APPEND: &str =
    "SELECT coalesce(has_table_privilege(to_regclass('events'), 'INSERT'), true)";
const LONGEST: &str = "SELECT application_name, pid::bigint, \
     extract(epoch FROM clock_timestamp() - xact_start)::bigint \
     FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
     AND xact_start IS NOT NULL ORDER BY xact_start LIMIT 1";
const APPENDING: &str = "SELECT a.application_name, a.pid::bigint, \
     extract(epoch FROM clock_timestamp() - a.xact_start)::bigint \
     FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid \
     WHERE l.relation = to_regclass('event_log_lock') AND l.mode = 'RowShareLock' AND l.granted \
     AND a.xact_start IS NOT NULL ORDER BY a.xact_start LIMIT 1";

/// A database, and what is needed of it.
#[derive(Clone, Copy, Debug)]
pub struct Needs {
    pub name: &'static str,
    /// Whether acknowledged commits must be on disk.
    pub durable: bool,
    /// Whether it has the log.
    pub has_log: bool,
    /// The connections that one of each service opens to it at most.
    pub connections: i64,
}

/// Checks the database that `url` names. Returns false if it cannot be reached.
pub async fn check(checks: &mut Checks, needs: Needs, url: &str) -> bool {
    let opened = Database::open_read_only("connect", url, CONNECTIONS).await;
    let database = match opened {
        Ok(database) => database,
        Err(error) => {
            checks.failed(
                needs.name,
                StartError::failed("connect", error).to_string(),
                "start the server, or correct the URL; look at its log and its max_connections",
            );
            return false;
        }
    };
    if let Err(error) = ask(checks, needs, &database).await {
        let found = StartError::failed("ask the server", error).to_string();
        checks.unknown(format!("{}: settings", needs.name), found);
    }
    database.close().await;
    true
}

async fn ask(checks: &mut Checks, needs: Needs, database: &Database) -> Result<(), StoreError> {
    let place = database.name().await?;
    let settings = Statement::new("read the server's settings", SETTINGS);
    let settings: Option<SettingsRow> = database.fetch_optional(settings).await?;
    if let Some(row) = settings {
        let (version, bytes) = (&row.0, size(u64::try_from(row.8).unwrap_or_default()));
        checks.ok(
            needs.name,
            format!("PostgreSQL {version}, {place}, {bytes}"),
        );
        durability(checks, needs, &row);
        sessions(checks, needs, &row);
        clock(checks, needs, row.9);
    }
    let name = |what: &str| format!("{}: {what}", needs.name);
    let longest = Statement::new("read the transactions", LONGEST);
    let longest: Option<(String, i64, i64)> = database.fetch_optional(longest).await?;
    let otherwise = (
        Status::Warning,
        "end it, unless it is a backup: meanwhile the server cannot remove old rows",
    );
    let found = transaction(longest.as_ref());
    let seconds = longest.map_or(0, |(_, _, seconds)| seconds);
    let is_short = seconds <= LONG_TRANSACTION_SECONDS;
    checks.expect(name("oldest transaction"), is_short, otherwise, found);
    if needs.has_log {
        let privilege = Statement::new("read the privileges", MAY_APPEND);
        let privilege: Option<(bool,)> = database.fetch_optional(privilege).await?;
        let may_append = privilege.is_none_or(|(may_append,)| may_append);
        let otherwise = (
            Status::Failed,
            "grant the user of EVENT_STORE_URL its privileges on the tables, INSERT on events among them",
        );
        let found = if may_append {
            "may append events"
        } else {
            "may not append events"
        };
        checks.expect(name("privileges"), may_append, otherwise, found);
        let appending = Statement::new("read the locks", APPENDING);
        let appending: Option<(String, i64, i64)> = database.fetch_optional(appending).await?;
        let otherwise = (
            Status::Failed,
            "no command can succeed meanwhile: end that session with SELECT pg_terminate_backend(PROCESS)",
        );
        let found = transaction(appending.as_ref());
        let seconds = appending.map_or(0, |(_, _, seconds)| seconds);
        let is_short = seconds <= LONG_APPEND_SECONDS;
        checks.expect(name("lock of the log"), is_short, otherwise, found);
    }
    Ok(())
}

fn durability(checks: &mut Checks, needs: Needs, row: &SettingsRow) {
    let (_, fsync, full_page_writes, synchronous_commit, isolation, read_only, in_recovery, ..) =
        row;
    let name = |what: &str| format!("{}: {what}", needs.name);
    let is_on = |value: &str| value == "on";
    // The read models can be built again.
    let at_risk = if needs.durable {
        Status::Failed
    } else {
        Status::Warning
    };
    let otherwise = (
        at_risk,
        "switch it on: a power failure can lose or damage what was acknowledged",
    );
    checks.expect(name("fsync"), is_on(fsync), otherwise, fsync);
    let has_pages = is_on(full_page_writes);
    checks.expect(
        name("full_page_writes"),
        has_pages,
        otherwise,
        full_page_writes,
    );
    if needs.durable {
        let otherwise = (
            Status::Warning,
            "switch it on; the shop does so for its own sessions, and other programs' writes may be lost",
        );
        let is_durable = synchronous_commit != "off";
        checks.expect(
            name("synchronous_commit"),
            is_durable,
            otherwise,
            synchronous_commit,
        );
    }
    let is_committed = isolation == "read committed";
    let otherwise = (
        Status::Warning,
        "set default_transaction_isolation to read committed for the database",
    );
    checks.expect(name("isolation"), is_committed, otherwise, isolation);
    let is_primary = in_recovery == "false" && read_only == "off";
    let otherwise = (
        Status::Failed,
        "connect to the primary, and leave default_transaction_read_only off",
    );
    let found = match (is_primary, read_only.as_str()) {
        (true, _) => "yes",
        (false, "on") => "read only by default",
        (false, _) => "the server is in recovery, as a replica is",
    };
    checks.expect(name("writable"), is_primary, otherwise, found);
}

fn sessions(checks: &mut Checks, needs: Needs, row: &SettingsRow) {
    let available = row.7;
    let otherwise = (
        Status::Warning,
        "raise max_connections, or lower POOL_SIZE; count each further process as well",
    );
    let needed = needs.connections;
    checks.expect(
        format!("{}: connections", needs.name),
        available >= needed,
        otherwise,
        format!("{available} available, one of each service opens at most {needed}"),
    );
}

fn clock(checks: &mut Checks, needs: Needs, server_ms: i64) {
    let offset = SystemClock.now().timestamp_millis() - server_ms;
    let otherwise = (
        Status::Warning,
        "fix the time service of the machine or of the server; the server's clock decides deadlines",
    );
    let direction = if offset < 0 { "slower" } else { "faster" };
    checks.expect(
        format!("{}: clock", needs.name),
        offset.abs() <= MAX_OFFSET_MS,
        otherwise,
        format!(
            "the clock of this machine is {} ms {direction} than the server",
            offset.abs()
        ),
    );
}

fn transaction(found: Option<&(String, i64, i64)>) -> String {
    found.map_or_else(
        || "none".to_owned(),
        |(application, pid, seconds)| format!("{seconds} s, {application}, process {pid}"),
    )
}
