//! `shop restore`: puts a backup into the databases that the settings name, and verifies it.
//!
//! ```text
//!   manifest and checksums ──► targets fit, are free of data and of processes ──► the mark that a restore is under way
//!        │ SQLite: next to its place                     │ PostgreSQL: in one transaction
//!        ▼                                               ▼
//!   restore the event store ──► verify the log ──► restore the command database ──► align it with the log's end
//!        └──────────── SQLite: move the old files aside, and the new ones into place ◄────────────┘
//!                                   └──► remove the mark
//! ```

mod command;
mod file;
mod server;
mod verify;

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::ArgMatches;
use command_database::CommandDatabase;
use event_sourcing::{Clock, LogMark, SystemClock};
use event_store_any::{Reservation, RestoreMarker};
use platform::config::{DatabaseUrl, Engine, names};
use platform::{Settings, StartError};
use serde::Serialize;
use sql_database::sqlite::{FileOptions, private};

use crate::backup::{
    Copied, EngineName, Log, Manifest, ServerPart, accepts_damage, folder_of, is_same_place,
    programs_of,
};
use crate::config::PrimaryDatabases;
use crate::terminal::{Output, fields, stamp, while_running};
use file::{FileError, Staged};
use server::{ServerError, Target};

pub use command::command;

#[derive(Debug, thiserror::Error)]
enum RestoreError {
    #[error("the backup is of {}, {setting} names a database on {}", backup.as_str(), target.as_str())]
    OtherEngine {
        backup: EngineName,
        setting: &'static str,
        target: EngineName,
    },
    #[error(
        "the backup has the event store and the command database in one database, the settings name two"
    )]
    OneDatabase,
    #[error(
        "the backup has the event store and the command database in two databases, the settings name one"
    )]
    TwoDatabases,
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Server(#[from] ServerError),
}

/// One of the two databases.
struct Part<'a> {
    name: &'static str,
    setting: &'static str,
    url: &'a DatabaseUrl,
    copied: &'a Copied,
}

/// What is restored to.
enum Place {
    File(PathBuf),
    Server(Target),
}

/// How a part is restored.
struct Options {
    folder: PathBuf,
    replace: bool,
    programs: Option<PathBuf>,
    accepts_damage: bool,
}

/// What was restored.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Restored {
    folder: String,
    seconds: f64,
    taken_at: chrono::DateTime<chrono::Utc>,
    log: Log,
    /// Requests whose answers came after the end of the log.
    reopened_requests: u64,
    /// The new names of replaced files.
    replaced: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// A setting is invalid; the backup is damaged or does not fit the databases; they have data or are used; or the restore failed.
pub async fn run(arguments: &ArgMatches) -> Result<(), StartError> {
    let databases = Settings::from_process(arguments).read(PrimaryDatabases::read)?;
    let options = Options {
        folder: arguments
            .get_one::<PathBuf>("from")
            .cloned()
            .unwrap_or_default(),
        replace: arguments.get_flag("replace"),
        programs: programs_of(arguments),
        accepts_damage: accepts_damage(arguments),
    };
    let began = Instant::now();
    let manifest = read(&options.folder).await?;
    let parts = [
        Part {
            name: "the event store",
            setting: names::EVENT_STORE_URL.spec.name,
            url: &databases.event_store,
            copied: &manifest.event_store,
        },
        Part {
            name: "the command database",
            setting: names::COMMAND_DATABASE_URL.spec.name,
            url: &databases.command,
            copied: &manifest.command_database,
        },
    ];
    let (reopened_requests, replaced) = restore(&parts, &manifest.log, &options).await?;
    let restored = Restored {
        folder: options.folder.display().to_string(),
        seconds: began.elapsed().as_secs_f64(),
        taken_at: manifest.started_at,
        log: manifest.log,
        reopened_requests,
        replaced: replaced
            .iter()
            .map(|path| path.display().to_string())
            .collect(),
    };
    Output::of(arguments).write(&restored, text);
    Ok(())
}

/// Reads the manifest, and compares the files with it.
async fn read(folder: &Path) -> Result<Manifest, StartError> {
    let folder = folder.to_owned();
    let reading = tokio::task::spawn_blocking(move || {
        let manifest = Manifest::read(&folder)?;
        for copied in [&manifest.event_store, &manifest.command_database] {
            copied.check(&folder.join(&copied.file))?;
        }
        Ok::<_, crate::backup::ManifestError>(manifest)
    });
    match while_running("the checksums of the backup", reading).await {
        Ok(read) => read.map_err(|error| StartError::failed("read the backup", error)),
        Err(error) => Err(StartError::failed("read the backup", error)),
    }
}

/// Restores both. From the first change of a database to the end of the last one a mark keeps a shop from being started on them,
/// and a process that is killed leaves it.
async fn restore(
    parts: &[Part<'_>; 2],
    log: &Log,
    options: &Options,
) -> Result<(u64, Vec<PathBuf>), StartError> {
    let [events, command] = parts;
    for part in parts {
        part.make_folder()?;
    }
    let marking = |error| StartError::failed(events.what(), error);
    // Held to the end: a shop that is started meanwhile fails and says why.
    let _reservation = Reservation::take(events.url.as_str()).map_err(marking)?;
    let is_one = are_one(events, command)?;
    let places = [events.check(options).await?, command.check(options).await?];
    let url = events.url.as_str();
    let was_interrupted = RestoreMarker::is_set(url).await.map_err(marking)?;
    RestoreMarker::set(url).await.map_err(marking)?;
    let mut is_changed = was_interrupted;
    let restored = replace(parts, places, is_one, (log, options), &mut is_changed).await;
    if restored.is_ok() || !is_changed {
        RestoreMarker::clear(url).await.map_err(marking)?;
    }
    restored
}

async fn replace(
    [events, command]: &[Part<'_>; 2],
    [events_place, command_place]: [Place; 2],
    is_one: bool,
    (log, options): (&Log, &Options),
    is_changed: &mut bool,
) -> Result<(u64, Vec<PathBuf>), StartError> {
    for (part, place) in [(events, &events_place), (command, &command_place)] {
        part.check_unused(place).await?;
    }
    let restored_log = events.restore(events_place, options).await?;
    *is_changed |= restored_log.staged.is_none();
    let aligned = async {
        verify::log(&restored_log.url, log, options.accepts_damage).await?;
        let restored = if is_one {
            RestoredPart {
                url: restored_log.url.clone(),
                staged: None,
            }
        } else {
            command.restore(command_place, options).await?
        };
        match align(&restored.url, log).await {
            Ok(reopened) => Ok((restored, reopened)),
            Err(error) => {
                restored.give_up();
                Err(error)
            }
        }
    };
    let (restored_command, reopened) = match aligned.await {
        Ok(aligned) => aligned,
        Err(error) => {
            restored_log.give_up();
            return Err(error);
        }
    };
    *is_changed = true;
    let mut replaced = Vec::new();
    for (part, restored) in [(events, restored_log), (command, restored_command)] {
        if let Some(staged) = restored.staged {
            let aside = staged.put_in_place(SystemClock.now());
            replaced.extend(aside.map_err(|error| StartError::failed(part.what(), error))?);
        }
    }
    Ok((reopened, replaced))
}

/// Whether both are one database, in the backup and here.
fn are_one(events: &Part<'_>, command: &Part<'_>) -> Result<bool, StartError> {
    let in_backup = events.copied.file == command.copied.file;
    match (in_backup, is_same_place(events.url, command.url)) {
        (true, false) => Err(command.failed(RestoreError::OneDatabase)),
        (false, true) => Err(command.failed(RestoreError::TwoDatabases)),
        (is_one, _) => Ok(is_one),
    }
}

/// Removes what the command database knows about events after the end of the log. Returns the number of requests that have no answer any more.
async fn align(url: &str, log: &Log) -> Result<u64, StartError> {
    const ALIGN: &str = "align the command database with the restored log";
    let Some(url) = DatabaseUrl::parse(url) else {
        return Err(StartError::failed(
            ALIGN,
            "its path cannot be part of a URL",
        ));
    };
    let database = CommandDatabase::connect(&url, 1, true).await;
    let database = database.map_err(|error| StartError::failed(ALIGN, error))?;
    let aligned = database.align(LogMark::from(log)).await;
    database.close().await;
    aligned.map_err(|error| StartError::failed(ALIGN, error))
}

/// A restored database: where it can be opened, and the file that is not in its place yet.
struct RestoredPart {
    url: String,
    staged: Option<Staged>,
}

impl RestoredPart {
    fn give_up(&self) {
        if let Some(staged) = &self.staged {
            staged.remove();
        }
    }
}

impl Part<'_> {
    fn what(&self) -> String {
        format!("restore {} ({})", self.name, self.setting)
    }

    fn failed(&self, error: impl Into<RestoreError>) -> StartError {
        StartError::failed(self.what(), error.into())
    }

    fn make_folder(&self) -> Result<(), StartError> {
        if self.url.engine() == Engine::Sqlite {
            let path = FileOptions::path_of(self.url.as_str());
            let made = private::create_folder(folder_of(&path));
            made.map_err(|error| StartError::failed(self.what(), error))?;
        }
        Ok(())
    }

    async fn check(&self, options: &Options) -> Result<Place, StartError> {
        let target = EngineName::from(self.url.engine());
        if target != self.copied.engine {
            return Err(self.failed(RestoreError::OtherEngine {
                backup: self.copied.engine,
                setting: self.setting,
                target,
            }));
        }
        let url = self.url.as_str();
        match &self.copied.server {
            Some(ServerPart { .. }) if target == EngineName::Sqlite => Err(StartError::failed(
                self.what(),
                "the manifest contradicts itself",
            )),
            Some(server) => {
                let checked = server::check(url, server, options.replace).await;
                Ok(Place::Server(checked.map_err(|error| self.failed(error))?))
            }
            None => {
                let path = FileOptions::path_of(url);
                let checked = file::check(&path, options.replace).await;
                checked.map_err(|error| self.failed(error))?;
                Ok(Place::File(path))
            }
        }
    }

    /// Rejects a server that a shop has connected to since the first look: none can from now on.
    async fn check_unused(&self, place: &Place) -> Result<(), StartError> {
        match place {
            Place::File(_) => Ok(()),
            Place::Server(_) => {
                let checked = server::check_unused(self.url.as_str()).await;
                checked.map_err(|error| self.failed(error))
            }
        }
    }

    async fn restore(&self, place: Place, options: &Options) -> Result<RestoredPart, StartError> {
        let copy = options.folder.join(&self.copied.file);
        match place {
            Place::File(path) => {
                let staged = Staged::copy(self.name, &copy, &path).await;
                let staged = staged.map_err(|error| self.failed(error))?;
                Ok(RestoredPart {
                    url: staged.url(),
                    staged: Some(staged),
                })
            }
            Place::Server(target) => {
                let url = self.url.as_str();
                let programs = options.programs.clone();
                let restored = target.restore(self.name, url, &copy, options.replace, programs);
                restored.await.map_err(|error| self.failed(error))?;
                Ok(RestoredPart {
                    url: url.to_owned(),
                    staged: None,
                })
            }
        }
    }
}

fn text(restored: &Restored) -> String {
    let log = &restored.log;
    let mut all = vec![
        ("Restored", restored.folder.clone()),
        ("Backup of", stamp(restored.taken_at)),
        ("Took", format!("{:.3} s", restored.seconds)),
        (
            "Log",
            format!("{}, {} events, verified", log.id, log.position),
        ),
        ("Reopened requests", restored.reopened_requests.to_string()),
    ];
    for path in &restored.replaced {
        all.push(("Moved aside", path.clone()));
    }
    format!(
        "{}\n\
         Start the shop. The read models are built from the restored log by themselves; until then reads are rejected with\n\
         READ_SIDE_BUILDING. Compare payments, shipments and mails since the backup with the remaining orders.",
        fields(&all)
    )
}
