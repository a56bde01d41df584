//! The files of certificates, and what is in them.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::TlsError;

/// A bundle with all authorities of an operating system has 250 KB.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// A certificate and its private key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeyPair {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// What was in some files at one time.
#[derive(PartialEq, Eq)]
pub(super) struct Contents(Vec<(PathBuf, Vec<u8>)>);

impl Contents {
    /// Reads all files.
    ///
    /// # Errors
    /// One cannot be read.
    pub(super) fn read(paths: &[PathBuf]) -> Result<Self, TlsError> {
        let read = |path: &PathBuf| Ok((path.clone(), read_file(path)?));
        paths.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// The content of a file; empty if it is none of these.
    pub(super) fn of(&self, path: &Path) -> &[u8] {
        let file = self.0.iter().find(|(of, _)| of == path);
        file.map_or(&[], |(_, content)| content)
    }
}

fn read_file(path: &Path) -> Result<Vec<u8>, TlsError> {
    let failed = |error: std::io::Error| TlsError::new(path, error.to_string());
    let mut content = Vec::new();
    let file = File::open(path).map_err(failed)?;
    // One that is longer is then cut, and its last certificate invalid.
    file.take(MAX_FILE_BYTES)
        .read_to_end(&mut content)
        .map_err(failed)?;
    Ok(content)
}

impl std::fmt::Debug for Contents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // There are private keys in it.
        f.debug_list()
            .entries(self.0.iter().map(|(path, _)| path))
            .finish()
    }
}
