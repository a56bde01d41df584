//! `shop backup`: a copy of everything that cannot be derived from something else.
//!
//! The event store is copied first, the command database after it. So the copy of the command database knows each request whose
//! events are in the copied log: otherwise a client that repeats one after a restore would have it executed twice. And the books
//! of the simulated providers have each payment that the log mentions. What the command database knows about events
//! after the end of the copied log, a restore removes ([`crate::restore`]).
//!
//! ```text
//!   log              ────●────────●───────●──────────►
//!   event store          ╰ copied
//!   command database              ╰ copied: answers and checkpoints up to here
//!   after a restore  ────┤ end of the log; what is after it is forgotten
//! ```

mod command;
mod manifest;
mod programs;
mod source;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::ArgMatches;
use event_sourcing::{Clock, LogMark, SystemClock};
use event_store_any::{AnyEventStore, Settings as StoreSettings};
use platform::config::names;
use platform::runtime::StopSignals;
use platform::{Settings, StartError};
use serde::Serialize;
use sql_database::sqlite::private;

use crate::config::PrimaryDatabases;
use crate::event_log::{DamagedLog, verify_log};
use crate::terminal::{Output, fields, size, stamp};
use source::Source;

pub use command::{
    accept_damage_arg, accepts_damage, command, database_args, programs_arg, programs_of,
};
pub use manifest::{Copied, EngineName, Log, Manifest, ManifestError, ServerPart, sync_folder};
pub use programs::{Program, ProgramError, option};
pub use source::{CONNECTIONS, is_same_place};

/// The folder that a path is in.
pub fn folder_of(path: &Path) -> &Path {
    let parent = path.parent().filter(|folder| *folder != Path::new(""));
    parent.unwrap_or(Path::new("."))
}

#[derive(Debug, thiserror::Error)]
enum BackupError {
    #[error("{} is not empty", .0.display())]
    NotEmpty(PathBuf),
    #[error("the database has no log of events")]
    NoLog,
}

/// A backup that was taken.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Taken {
    folder: String,
    seconds: f64,
    #[serde(flatten)]
    manifest: Manifest,
}

/// Runs the command.
///
/// # Errors
/// A setting is invalid, a database cannot be copied, or the folder cannot be written.
pub async fn run(arguments: &ArgMatches) -> Result<(), StartError> {
    let databases = Settings::from_process(arguments).read(PrimaryDatabases::read)?;
    let folder = arguments.get_one::<PathBuf>("to").cloned();
    let folder = folder.unwrap_or_default();
    let programs = programs_of(arguments);
    make_folder(&folder)?;
    let began = Instant::now();
    let verifies = !accepts_damage(arguments);
    let mut signals = StopSignals::listen()?;
    let taking = take(&databases, &folder, programs.as_deref(), verifies);
    let taken = signals.unless_asked(taking).await;
    let taken = taken.unwrap_or_else(|| Err(StartError::failed("back up", "interrupted")));
    if taken.is_err() {
        remove_copies(&folder);
    }
    let manifest = taken?;
    let taken = Taken {
        folder: folder.display().to_string(),
        seconds: began.elapsed().as_secs_f64(),
        manifest,
    };
    Output::of(arguments).write(&taken, text);
    Ok(())
}

async fn take(
    databases: &PrimaryDatabases,
    folder: &Path,
    programs: Option<&Path>,
    verifies: bool,
) -> Result<Manifest, StartError> {
    let events = Source {
        name: "the event store",
        setting: names::EVENT_STORE_URL.spec.name,
        file: "event_store",
        url: &databases.event_store,
    };
    let command = Source {
        name: "the command database",
        setting: names::COMMAND_DATABASE_URL.spec.name,
        file: "command_service",
        url: &databases.command,
    };
    let started_at = SystemClock.now();
    let (event_store, head) = events.copy(folder, programs).await?;
    let command_database = if is_same_place(events.url, command.url) {
        // One snapshot has both.
        event_store.clone()
    } else {
        command.copy(folder, programs).await?.0
    };
    let copy = format!("sqlite://{}", folder.join(&event_store.file).display());
    let (head, log) = match event_store.engine {
        EngineName::Sqlite => (Some(head_of(&copy).await?), copy.as_str()),
        EngineName::Postgres => (head, databases.event_store.as_str()),
    };
    let head = head.ok_or_else(|| StartError::failed("read the log", BackupError::NoLog))?;
    if verifies {
        verify(log).await?;
    }
    let copied = [event_store, command_database];
    let manifest = Manifest::new(started_at, SystemClock.now(), head.into(), copied);
    let written = manifest.write(folder);
    // The folder itself may be new.
    let written = written.and_then(|()| sync_folder(folder_of(folder)));
    written.map_err(|error| StartError::failed("write the manifest", error))?;
    Ok(manifest)
}

/// Removes what a failed backup has written: otherwise the folder could not be used again. An error here hides no other.
fn remove_copies(folder: &Path) {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries {
        let _ = std::fs::remove_file(entry.path());
    }
}

/// Fails if the log is damaged.
async fn verify(url: &str) -> Result<(), StartError> {
    const VERIFY: &str = "verify the log";
    let opened = open_log(url, VERIFY).await?;
    let report = verify_log(&opened, 1).await;
    opened.close().await;
    let report = report?;
    if report.is_whole() {
        return Ok(());
    }
    Err(StartError::failed(VERIFY, DamagedLog(report)))
}

async fn open_log(url: &str, what: &'static str) -> Result<AnyEventStore, StartError> {
    let settings = StoreSettings {
        migrate: false,
        ..StoreSettings::default()
    };
    let opened = AnyEventStore::open_read_only(url, settings).await;
    opened.map_err(|error| StartError::failed(what, error))
}

/// The end of the log in the copy of a file.
async fn head_of(url: &str) -> Result<LogMark, StartError> {
    const READ: &str = "read the copied log";
    let opened = open_log(url, READ).await?;
    let identity = opened.store().identify(&[]).await;
    opened.close().await;
    let identity = identity.map_err(|error| StartError::failed(READ, error))?;
    Ok(identity.head)
}

/// Creates the folder, unless it is there and empty.
fn make_folder(folder: &Path) -> Result<(), StartError> {
    let failed = |error: io::Error| {
        StartError::failed(format!("make the folder {}", folder.display()), error)
    };
    private::create_folder(folder).map_err(failed)?;
    let mut entries = std::fs::read_dir(folder).map_err(failed)?;
    if entries.next().is_some() {
        let error = BackupError::NotEmpty(folder.to_owned());
        return Err(StartError::failed("back up", error));
    }
    Ok(())
}

fn text(taken: &Taken) -> String {
    let manifest = &taken.manifest;
    let copied = |copied: &Copied| {
        let (engine, bytes) = (copied.engine.as_str(), size(copied.bytes));
        format!("{engine}, {bytes}, {}", copied.file)
    };
    let log = &manifest.log;
    let all = [
        ("Backup", taken.folder.clone()),
        ("Started", stamp(manifest.started_at)),
        ("Took", format!("{:.3} s", taken.seconds)),
        ("Log", format!("{}, {} events", log.id, log.position)),
        ("Event store", copied(&manifest.event_store)),
        ("Command database", copied(&manifest.command_database)),
    ];
    let restore = format!("Restore it with: shop restore --from {}", taken.folder);
    format!("{}\n{restore}", fields(&all))
}
