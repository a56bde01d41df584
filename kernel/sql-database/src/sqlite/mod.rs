//! A SQLite file and this process's connections to it.
//!
//! One connection writes, others read. Each is handed out as a [`Session`], which decides whether its connection is
//! reused:
//!
//! ```text
//!            ┌───────────── finished without an error that breaks it ─────────┐
//!            ▼                                                                │
//!  idle ──► session ──► statement ──┬── I/O error, full, interrupted,         │
//!   ▲                               │   BEGIN, COMMIT or ROLLBACK failed ──► closed
//!   │                               ├── dropped in the middle ─────────────► closed
//!   └── opened again ◄──────────────┴── a sync failed ───► all of them closed
//! ```
//!
//! SQLite rolls a transaction back by itself after some errors, and the driver does not notice: it assumes that one is
//! still open and cannot start another on this connection. So the driver's transactions are not used here, and a
//! connection is closed after such an error, which rolls back what is still open.
//!
//! After a failed sync the operating system may mark pages as written that are not, and a second sync then succeeds
//! without writing them. See `docs/decisions/0010-a-failed-sync-reopens-the-file.md`.

mod copy;
mod file;
mod maintenance;
mod options;
mod pool;
pub mod private;
mod session;
mod shared;
mod wal;

pub use copy::{copy, damages, is_in_use};
pub use file::SqliteFile;
pub use options::{Durability, FileOptions, OpenError};
pub use session::{Session, SqliteTransaction};
pub use shared::Readers;
