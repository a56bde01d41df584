//! The rules of the shop: pure, without I/O, without a clock, without knowledge of storage.
//!
//! [`value`] holds the types that input is parsed into; a value of such a type is always valid. Each folder is one kind of
//! entity: its events, its state, and its commands. A command ([`event_sourcing::Command`]) reads the streams that it
//! needs, decides, and appends events, or is rejected with a [`DomainError`]. Every stream that it read becomes a
//! precondition of its commit, except memberships, which are written without one.

pub mod category;
mod command;
pub mod error;
pub mod fulfilment;
pub mod order;
pub mod product;
pub mod record;
pub mod stock;
mod validation;
pub mod value;

pub use error::{Conflict, DomainError, Entity, Priced};
pub use validation::{ValidationError, ValidationErrors};
