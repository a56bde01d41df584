//! The manifest of a backup: what it contains, and how to find out whether that is intact.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use event_sourcing::{LogId, LogMark, Position};
use platform::config::Engine;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sql_database::sqlite::private;
use uuid::Uuid;

/// Raised with each change that older programs cannot read.
const FORMAT: u32 = 1;
const FILE: &str = "manifest.json";
/// Read at a time.
const BLOCK_BYTES: usize = 1 << 20;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    format: u32,
    /// The program that wrote it.
    pub program: String,
    /// When the backup began: what was acknowledged before is in it.
    pub started_at: DateTime<Utc>,
    pub finished_at: DateTime<Utc>,
    pub log: Log,
    pub event_store: Copied,
    pub command_database: Copied,
}

/// What manifests of all formats have.
#[derive(Debug, Deserialize)]
struct Versioned {
    format: u32,
}

/// The log, and its last event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Log {
    pub id: Uuid,
    pub position: u64,
    /// The id of the event there; none if the log is empty.
    pub event_id: Option<Uuid>,
}

/// The copy of one database.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Copied {
    pub engine: EngineName,
    /// Its name in the folder.
    pub file: String,
    pub bytes: u64,
    pub sha256: String,
    /// Where the database was on a server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerPart>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineName {
    Sqlite,
    Postgres,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerPart {
    /// The major version of the server.
    pub version: u32,
    pub schema: String,
}

/// Why a folder is no intact backup.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    #[error("{} does not exist: the folder is no backup, or one that was not finished", path.display())]
    Missing { path: PathBuf },
    #[error("cannot read {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} is damaged", path.display())]
    Damaged {
        path: PathBuf,
        #[source]
        source: serde_json::Error,
    },
    #[error("{} has format {found}, this program reads format {FORMAT}", path.display())]
    Format { path: PathBuf, found: u32 },
    #[error("{} names the file {file:?}, which is not in the folder of the backup", path.display())]
    Elsewhere { path: PathBuf, file: String },
    #[error("{} is damaged: it has {found} bytes, the manifest has {expected}", path.display())]
    Size {
        path: PathBuf,
        found: u64,
        expected: u64,
    },
    #[error("{} is damaged: its SHA-256 is {found}, the manifest has {expected}", path.display())]
    Checksum {
        path: PathBuf,
        found: String,
        expected: String,
    },
}

impl From<Engine> for EngineName {
    fn from(engine: Engine) -> Self {
        match engine {
            Engine::Sqlite => Self::Sqlite,
            Engine::Postgres => Self::Postgres,
        }
    }
}

impl EngineName {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

impl From<LogMark> for Log {
    fn from(mark: LogMark) -> Self {
        Self {
            id: mark.log.0,
            position: mark.position.0,
            event_id: mark.event,
        }
    }
}

impl From<&Log> for LogMark {
    fn from(log: &Log) -> Self {
        Self {
            log: LogId(log.id),
            position: Position(log.position),
            event: log.event_id,
        }
    }
}

impl Manifest {
    pub fn new(
        started_at: DateTime<Utc>,
        finished_at: DateTime<Utc>,
        log: Log,
        [event_store, command_database]: [Copied; 2],
    ) -> Self {
        Self {
            format: FORMAT,
            program: concat!("shop ", env!("CARGO_PKG_VERSION")).to_owned(),
            started_at,
            finished_at,
            log,
            event_store,
            command_database,
        }
    }

    /// Writes it under another name first, so that a manifest is there as a whole or not at all.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        let unfinished = folder.join(format!("{FILE}.unfinished"));
        let mut file = private::open_file(&unfinished)?;
        file.write_all(serde_json::to_string_pretty(self)?.as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        std::fs::rename(&unfinished, folder.join(FILE))?;
        sync_folder(folder)
    }

    /// # Errors
    /// There is none, or not one that this program can read.
    pub fn read(folder: &Path) -> Result<Self, ManifestError> {
        let path = folder.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(ManifestError::Missing { path });
            }
            Err(source) => return Err(ManifestError::Read { path, source }),
        };
        let damaged = |source| ManifestError::Damaged {
            path: path.clone(),
            source,
        };
        // The format first: the rest may have another shape.
        let Versioned { format } = serde_json::from_str(&text).map_err(damaged)?;
        if format != FORMAT {
            return Err(ManifestError::Format {
                path,
                found: format,
            });
        }
        let manifest: Self = serde_json::from_str(&text).map_err(damaged)?;
        for copied in [&manifest.event_store, &manifest.command_database] {
            if Path::new(&copied.file).file_name() != Some(copied.file.as_ref()) {
                let file = copied.file.clone();
                return Err(ManifestError::Elsewhere { path, file });
            }
        }
        Ok(manifest)
    }
}

impl Copied {
    /// Compares a file with what the manifest states about it.
    ///
    /// # Errors
    /// It is missing or differs.
    pub fn check(&self, path: &Path) -> Result<(), ManifestError> {
        let expected = self.sha256.clone();
        let (found_bytes, found) = checksum(path).map_err(|source| ManifestError::Read {
            path: path.to_owned(),
            source,
        })?;
        let path = path.to_owned();
        if found_bytes != self.bytes {
            return Err(ManifestError::Size {
                path,
                found: found_bytes,
                expected: self.bytes,
            });
        }
        if found != expected {
            return Err(ManifestError::Checksum {
                path,
                found,
                expected,
            });
        }
        Ok(())
    }
}

/// The size of a file and its SHA-256.
///
/// # Errors
/// It cannot be read.
pub fn checksum(path: &Path) -> io::Result<(u64, String)> {
    let mut file = File::open(path)?;
    let (mut hash, mut bytes) = (Sha256::new(), 0);
    let mut block = vec![0; BLOCK_BYTES];
    loop {
        let read = file.read(&mut block)?;
        if read == 0 {
            break;
        }
        bytes += read as u64;
        hash.update(&block[..read]);
    }
    let mut digits = String::new();
    for byte in hash.finalize() {
        let _ = write!(digits, "{byte:02x}");
    }
    Ok((bytes, digits))
}

/// Makes the names in a folder durable.
///
/// # Errors
/// The folder cannot be synced.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
