//! Where a link leads.

use std::net::SocketAddr;
use std::path::PathBuf;

/// The target of a link.
#[derive(Clone, Debug)]
pub enum Target {
    Tcp(SocketAddr),
    Unix(PathBuf),
}
