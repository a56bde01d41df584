//! The rules of the shop: pure, without I/O, without a clock, without a word about storage.
//!
//! [`value`] holds what input is parsed into: types that cannot be wrong. Each folder is one thing that clients name by
//! id: its events, its state, and its commands. A command is a type of the kernel's ([`event_sourcing::Command`]): it reads
//! the streams that it needs, decides, and appends events, or is rejected with a [`DomainError`]. Every stream that it read
//! becomes a precondition of its commit, except memberships, which are written without one.

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
