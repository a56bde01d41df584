//! One SQLite file and the connections of this process to it.
//!
//! One connection writes, others read. All are handed out as a [`Session`], which decides whether its connection is used
//! again:
//!
//! ```text
//!            ┌───────────── settled without an error that matters ────────────┐
//!            ▼                                                                │
//!  idle ──► session ──► statement ──┬── I/O error, full, interrupted,         │
//!   ▲                               │   BEGIN, COMMIT or ROLLBACK failed ──► closed
//!   │                               ├── dropped in the middle ─────────────► closed
//!   └── opened anew ◄───────────────┴── a sync failed ───► all of them closed
//! ```
//!
//! SQLite rolls a transaction back by itself after some errors, and the driver does not notice: it believes that one is
//! open and starts no other on this connection. So transactions are not the driver's here, and a connection that met such
//! an error is closed, which rolls back whatever is left.
//!
//! After a failed sync the operating system may take pages for written that are not, and a second sync succeeds without
//! writing them. See `docs/decisions/0010-a-failed-sync-reopens-the-file.md`.

mod file;
mod options;
mod pool;
pub mod private;
mod session;
mod shared;
mod upkeep;
mod wal;

pub use file::SqliteFile;
pub use options::{Durability, FileOptions, OpenError};
pub use session::{Session, SqliteTransaction};
pub use shared::Readers;
