//! Creates files and folders with access for this user only, because they contain personal data.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use crate::fields;

/// The permissions of the group and of others.
const OTHERS: u32 = 0o077;

/// Creates a folder and its parents, unless they exist.
///
/// # Errors
/// The folder cannot be created.
pub fn create_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Opens a file for reading and writing, and creates it if it is missing.
///
/// # Errors
/// The file cannot be opened or created.
pub fn open_file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}

/// Logs a warning if others can read or write a file or folder. It is not an error, because an operator may share it on
/// purpose.
pub fn warn_if_shared(path: &Path) {
    // If the permissions cannot be read, opening the file fails anyway.
    let mode = path.metadata().map_or(0, |found| found.mode());
    if mode & OTHERS != 0 {
        tracing::warn!(
            { fields::FILE } = %path.display(),
            { fields::FILE_MODE } = format!("{:04o}", mode & 0o7777),
            "other users of this machine can read or change what is here; chmod go= keeps it private"
        );
    }
}
