//! Restores a database on a PostgreSQL server.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use event_sourcing::StoreError;
use sql_database::postgres::programs as libpq;
use sql_database::{Database, Statement};
use tokio::time::{Instant, sleep};

use crate::backup::{CONNECTIONS, Program, ProgramError, ServerPart, option};
use crate::terminal::{line, while_running};

/// The server notices the end of a process with a delay.
const SESSION_TIMEOUT: Duration = Duration::from_secs(3);
const SESSION_PAUSE: Duration = Duration::from_millis(100);

const SERVER: &str = "SELECT current_setting('server_version_num')::bigint / 10000, current_schema()::text, \
     (SELECT count(*) FROM pg_class c WHERE c.relnamespace = to_regnamespace(quote_ident(current_schema())) \
         AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND c.relname <> 'restore_under_way'), \
     to_regclass('leases')::text, \
     (SELECT count(*) FROM pg_class c WHERE c.relname = 'event_log_id' AND c.relkind = 'r' \
         AND c.relnamespace IS DISTINCT FROM to_regnamespace(quote_ident(current_schema())))";
const SESSIONS: &str = "SELECT application_name, pid::bigint, coalesce(host(client_addr), 'this machine'), \
     to_char(backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') \
     FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
     AND application_name IN ('event-store', 'command-service', 'query-service') ORDER BY backend_start LIMIT 1";
const LEASES: &str =
    "SELECT owner FROM leases WHERE expires_at > clock_timestamp() ORDER BY name LIMIT 1";

/// A row of [`SERVER`].
type ServerRow = (i64, Option<String>, i64, Option<String>, i64);

/// Why a database on a server cannot be restored.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Program(#[from] ProgramError),
    #[error("the backup has the schema {backup}, the URL selects {}", .found.as_deref().unwrap_or("none that exists"))]
    Schema {
        backup: String,
        found: Option<String>,
    },
    #[error("the backup was taken from PostgreSQL {backup}, the server is {found}")]
    Version { backup: u32, found: u32 },
    #[error("the schema {schema} has {tables} tables; --replace replaces those of the shop")]
    HasData { schema: String, tables: i64 },
    #[error(
        "{application} is connected from {address} (process {pid} of the server, since {since}); stop it first"
    )]
    InUse {
        application: String,
        address: String,
        pid: i64,
        since: String,
    },
}

/// A server that was found fit to be restored to.
#[derive(Debug)]
pub struct Target {
    version: u32,
    schema: String,
}

/// Rejects a server that does not fit the backup, a database that has data, unless it may be replaced, and one that a shop uses.
///
/// # Errors
/// [`ServerError`]
pub async fn check(url: &str, backup: &ServerPart, replace: bool) -> Result<Target, ServerError> {
    let database = Database::open_read_only("connect", url, CONNECTIONS).await?;
    let checked = check_in(&database, backup, replace).await;
    database.close().await;
    checked
}

/// Rejects a database that a shop uses.
///
/// # Errors
/// [`ServerError`]
pub async fn check_unused(url: &str) -> Result<(), ServerError> {
    let database = Database::open_read_only("connect", url, CONNECTIONS).await?;
    let ask = Statement::new("ask the server", SERVER);
    let server: Result<Option<ServerRow>, _> = database.fetch_optional(ask).await;
    let checked = async {
        let (_, _, _, leases, other_logs) = server?.unwrap_or_default();
        reject_sessions(&database, leases.is_some(), other_logs > 0).await
    };
    let checked = checked.await;
    database.close().await;
    checked
}

async fn check_in(
    database: &Database,
    backup: &ServerPart,
    replace: bool,
) -> Result<Target, ServerError> {
    let ask = Statement::new("ask the server", SERVER);
    let server: Option<ServerRow> = database.fetch_optional(ask).await?;
    let (version, schema, tables, leases, other_logs) = server.unwrap_or_default();
    let version = u32::try_from(version).unwrap_or_default();
    if version < backup.version {
        return Err(ServerError::Version {
            backup: backup.version,
            found: version,
        });
    }
    let schema = match schema {
        Some(schema) if schema == backup.schema => schema,
        found => {
            let backup = backup.schema.clone();
            return Err(ServerError::Schema { backup, found });
        }
    };
    reject_sessions(database, leases.is_some(), other_logs > 0).await?;
    if tables > 0 && !replace {
        return Err(ServerError::HasData { schema, tables });
    }
    Ok(Target { version, schema })
}

/// Rejects a database that processes of a shop are connected to. If other schemas of it have shops, only those count that
/// hold a lease here.
async fn reject_sessions(
    database: &Database,
    has_leases: bool,
    has_others: bool,
) -> Result<(), ServerError> {
    if has_others {
        if !has_leases {
            return Ok(());
        }
        let held = Statement::new("read the leases", LEASES);
        let held: Vec<(String,)> = database.fetch_all(held).await?;
        if held.is_empty() {
            return Ok(());
        }
    }
    let deadline = Instant::now() + SESSION_TIMEOUT;
    loop {
        let sessions = Statement::new("read the sessions", SESSIONS);
        let session: Option<(String, i64, String, String)> =
            database.fetch_optional(sessions).await?;
        let Some((application, pid, address, since)) = session else {
            return Ok(());
        };
        if Instant::now() >= deadline {
            return Err(ServerError::InUse {
                application: line(&application),
                address,
                pid,
                since,
            });
        }
        sleep(SESSION_PAUSE).await;
    }
}

impl Target {
    /// Restores a dump, in one transaction.
    ///
    /// # Errors
    /// [`ServerError::Program`]
    pub async fn restore(
        &self,
        what: &'static str,
        url: &str,
        dump: &Path,
        replace: bool,
        programs: Option<PathBuf>,
    ) -> Result<(), ServerError> {
        let pg_restore = Program::find("pg_restore", self.version, programs).await?;
        let environment = libpq::environment(url)?;
        let database = environment.iter().find(|(name, _)| *name == "PGDATABASE");
        let database = database.map_or_else(OsString::new, |(_, database)| database.clone());
        let mut arguments = vec![
            "--single-transaction".into(),
            "--no-owner".into(),
            "--no-password".into(),
            option("schema", &self.schema),
            option("dbname", database),
        ];
        if replace {
            arguments.extend(["--clean".into(), "--if-exists".into()]);
        }
        arguments.push(dump.into());
        let restoring = pg_restore.run(arguments, environment);
        while_running(what, restoring).await?;
        Ok(())
    }
}
