//! What the journeys stand on.

mod expect;
mod session;
mod shop;

pub use expect::{Bad, expect_refusals, number, of, say, text};
pub use session::Session;
pub use shop::{Shop, Topology, binaries, on};
