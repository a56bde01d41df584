//! Files that TLS cannot use.

use std::path::PathBuf;

/// A file is invalid, or does not belong to the other ones.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {reason}", path.display())]
pub struct TlsError {
    pub path: PathBuf,
    /// The cause, in one line.
    pub reason: String,
}

impl TlsError {
    pub(super) fn new(path: impl Into<PathBuf>, reason: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            reason: reason.into(),
        }
    }
}
