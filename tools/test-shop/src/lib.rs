//! Runs the shop's binaries as processes, for end-to-end tests and benches.
//!
//! [`Binaries`] builds them, [`Process`] runs one, and [`System`] runs a complete system: the three services on
//! PostgreSQL, or `shop` on SQLite. Every process listens on ports that the operating system chooses, and none outlives
//! the process that started it, even if that one crashes.

mod binaries;
mod documents;
mod folder;
mod graphql;
mod http;
mod process;
mod socket;
mod system;
mod tls;

pub use binaries::Binaries;
pub use documents::{documents, shell_words};
pub use folder::{Folder, cache_folder};
pub use graphql::{Answer, Operation};
pub use http::{Connection, Reply, Request};
pub use process::{Process, Start, until, until_within};
pub use socket::{PROTOCOL, Socket, handshake, position};
pub use system::{Layout, Store, System};
pub use tls::{ClientTls, Duplex, connect};
