//! GraphQL over WebSocket: the protocol graphql-transport-ws.

mod handshake;
mod protocol;
mod socket;

pub use handshake::{Handshake, is_requested};
pub use socket::serve;
