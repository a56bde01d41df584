//! Settings of either engine.

use std::time::Duration;

use event_sourcing::SteadyClock;

/// How a process uses the store. An engine ignores settings that do not apply to it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The process's clock. The store on a server synchronizes it with the server's.
    pub clock: SteadyClock,
    /// Maximum connections for readers of a server.
    pub pool_size: u32,
    /// Whether opening the store runs missing migrations on a server. If not, a missing migration is an error. A file
    /// is always migrated, unless it is opened for reading.
    pub migrate: bool,
    /// How often a waiting reader polls a file that another process writes. A server notifies its readers.
    pub file_poll_interval: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        let file = event_store_sqlite::Settings::default();
        let server = event_store_postgres::Settings::default();
        Self {
            clock: server.clock,
            pool_size: server.pool_size,
            migrate: server.migrate,
            file_poll_interval: file.poll_interval,
        }
    }
}

impl Settings {
    pub(crate) fn of_file(&self) -> event_store_sqlite::Settings {
        event_store_sqlite::Settings {
            poll_interval: self.file_poll_interval,
            ..event_store_sqlite::Settings::default()
        }
    }

    pub(crate) fn of_server(self) -> event_store_postgres::Settings {
        event_store_postgres::Settings {
            clock: self.clock,
            pool_size: self.pool_size,
            migrate: self.migrate,
            ..event_store_postgres::Settings::default()
        }
    }
}
