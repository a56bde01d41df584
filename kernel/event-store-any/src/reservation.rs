//! Keeps other processes from opening an event store, for a program that replaces its data.

use event_store_sqlite::WriterLock;
use sql_database::sqlite::FileOptions;

use crate::engine::Engine;
use crate::error::OpenError;

/// Held until it is dropped. A file cannot be opened for writing meanwhile; a server has no such lock.
#[derive(Debug)]
pub struct Reservation {
    _lock: Option<WriterLock>,
}

impl Reservation {
    /// Reserves the store that `url` names, which need not exist yet. The folder of a file must.
    ///
    /// # Errors
    /// [`OpenError`] if no engine serves the URL, or another process has the file open for writing.
    pub fn take(url: &str) -> Result<Self, OpenError> {
        let lock = match Engine::of(url)? {
            Engine::Sqlite => Some(WriterLock::take(&FileOptions::path_of(url))?),
            Engine::Postgres => None,
        };
        Ok(Self { _lock: lock })
    }
}
