//! Files and folders for this user alone: what is stored names people and says where they live.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use crate::fields;

/// The rights of the group and of others.
const OTHERS: u32 = 0o077;

/// Makes a folder, and those above it, unless they are there.
///
/// # Errors
/// The operating system refuses.
pub fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Opens a file for reading and writing, made if it is missing.
///
/// # Errors
/// The operating system refuses.
pub fn open_file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}

/// Names a file or a folder that others may read or write. It may have been made by hand, or be shared on purpose.
pub fn warn_if_shared(path: &Path) {
    // A file whose rights cannot be read is not opened either.
    let mode = path.metadata().map_or(0, |found| found.mode());
    if mode & OTHERS != 0 {
        tracing::warn!(
            { fields::FILE } = %path.display(),
            { fields::FILE_MODE } = format!("{:04o}", mode & 0o7777),
            "other users of this machine can read or change what is here; chmod go= keeps it private"
        );
    }
}
