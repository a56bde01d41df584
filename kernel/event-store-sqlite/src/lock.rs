//! Allows one writing process for each database.
//!
//! The operating system holds the lock and releases it when the process ends, also after a crash. The lock file is
//! never removed: two processes could then hold locks on two files of the same name.

use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use sql_database::sqlite::private;

use crate::error::OpenError;

/// The lock, held until it is dropped.
#[derive(Debug)]
pub struct WriterLock {
    _file: File,
}

impl WriterLock {
    /// Takes the lock of a database, which need not exist yet. Its folder must.
    ///
    /// # Errors
    /// [`OpenError::InUse`] if another process has it, [`OpenError::Folder`] if the lock file cannot be used.
    pub fn take(database: &Path) -> Result<Self, OpenError> {
        let path = lock_file_of(database);
        let failed = |source| OpenError::Folder {
            path: path.clone(),
            source,
        };
        let mut file = private::open_file(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(OpenError::InUse {
                    path: database.to_owned(),
                    holder: holder(&mut file),
                });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        // Written only under the lock, so the file always has the id of the last holder.
        name_holder(&mut file).map_err(failed)?;
        Ok(Self { _file: file })
    }
}

fn lock_file_of(database: &Path) -> PathBuf {
    let mut name = OsString::from(database);
    name.push(".lock");
    PathBuf::from(name)
}

fn name_holder(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())?;
    file.flush()
}

fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    // Best effort: the holder may not have written its id yet.
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
