//! The shop's own binaries as processes, for end-to-end tests and benches.
//!
//! [`Binaries`] builds them, [`Process`] runs one, and [`System`] runs all that belong together: the three services
//! on PostgreSQL, or `shop` on SQLite. Every process listens on ports that the operating system chose, and none
//! outlives the one that started it, however that one ends.

mod binaries;
mod folder;
mod graphql;
mod http;
mod process;
mod system;

pub use binaries::Binaries;
pub use folder::Folder;
pub use graphql::{Answer, Operation};
pub use http::{Connection, Reply, Request};
pub use process::{Process, Start, until, until_within};
pub use system::{Layout, Store, System};
