//! What Relay's server specification asks for: connections with cursors, and objects that are found by a global id.

mod connection;
mod cursor;
mod global_id;
mod node;
mod slice;

pub use connection::{Connection, connection};
pub use cursor::{KeyColumns, ListScope};
#[cfg(feature = "testing")]
pub use global_id::parse as parse_node_id;
pub use global_id::{NodeType, node_id};
pub use node::NodeQueries;
pub use slice::SliceArguments;
