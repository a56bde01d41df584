//! Restores a SQLite file: next to its place first, then into it.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use sql_database::sqlite::{self, private};

use crate::backup::{folder_of, sync_folder};
use crate::terminal::while_growing;

/// The files of a database: itself, its write-ahead log and the index of that.
const SUFFIXES: [&str; 3] = ["", "-wal", "-shm"];

/// Why a file cannot be restored.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("{} has data; --replace moves it aside", .0.display())]
    HasData(PathBuf),
    #[error("another process uses {}; stop it first", .0.display())]
    InUse(PathBuf),
    #[error("cannot write {}", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// A restored file next to its place.
#[derive(Debug)]
pub struct Staged {
    path: PathBuf,
    target: PathBuf,
}

/// Rejects a target that has data, unless it may be replaced, and one that another process uses.
///
/// # Errors
/// [`FileError`]
pub async fn check(target: &Path, replace: bool) -> Result<(), FileError> {
    let has_data = target.metadata().is_ok_and(|file| file.len() > 0);
    if !has_data {
        return Ok(());
    }
    if !replace {
        return Err(FileError::HasData(target.to_owned()));
    }
    match sqlite::is_in_use(target).await {
        Ok(true) => Err(FileError::InUse(target.to_owned())),
        // A file that is damaged so much that it cannot be opened is what a restore is for.
        Ok(false) | Err(_) => Ok(()),
    }
}

impl Staged {
    /// Copies a file of a backup next to its place.
    ///
    /// # Errors
    /// [`FileError::Write`]
    pub async fn copy(what: &'static str, from: &Path, target: &Path) -> Result<Self, FileError> {
        let staged = Self {
            path: with_suffix(target, ".restoring"),
            target: target.to_owned(),
        };
        // Left by a restore that was killed.
        staged.remove();
        let (original, path) = (from.to_owned(), staged.path.clone());
        let size = from.metadata().map(|file| file.len()).ok();
        let copying = tokio::task::spawn_blocking(move || copy_durably(&original, &path));
        let copied = while_growing(what, &staged.path, size, copying).await;
        match copied.unwrap_or_else(|error| Err(io::Error::other(error))) {
            Ok(()) => Ok(staged),
            Err(source) => {
                staged.remove();
                let path = staged.path;
                Err(FileError::Write { path, source })
            }
        }
    }

    /// Its URL, to be read and changed before it is put into its place.
    pub fn url(&self) -> String {
        format!("sqlite://{}", self.path.display())
    }

    /// Moves what is in its place aside, and itself there. Returns the new name of the old file, if there was one.
    ///
    /// # Errors
    /// [`FileError::Write`]
    pub fn put_in_place(self, now: DateTime<Utc>) -> Result<Option<PathBuf>, FileError> {
        let failed = |source| FileError::Write {
            path: self.target.clone(),
            source,
        };
        let suffix = now.format(".replaced-%Y%m%dT%H%M%S%3fZ").to_string();
        let aside = with_suffix(&self.target, &suffix);
        let was_there = self.target.exists();
        for suffix in SUFFIXES {
            let (from, to) = (
                with_suffix(&self.target, suffix),
                with_suffix(&aside, suffix),
            );
            if from.exists() {
                std::fs::rename(from, to).map_err(failed)?;
            }
        }
        std::fs::rename(&self.path, &self.target).map_err(failed)?;
        self.remove();
        sync_folder(folder_of(&self.target)).map_err(failed)?;
        Ok(was_there.then_some(aside))
    }

    /// Removes what is left of it. What cannot be removed does no harm.
    pub fn remove(&self) {
        for suffix in SUFFIXES {
            let _ = std::fs::remove_file(with_suffix(&self.path, suffix));
        }
    }
}

fn copy_durably(from: &Path, to: &Path) -> io::Result<()> {
    let mut target = private::open_file(to)?;
    io::copy(&mut File::open(from)?, &mut target)?;
    target.sync_all()
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
