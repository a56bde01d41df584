//! The rules of the shop: pure, without I/O, without a clock, without a word about storage.
//!
//! [`value`] holds what input is parsed into: types that cannot be wrong. Each other module is one kind of stream:
//! its events, its state, and one function for each decision, which takes the state and a command and gives events
//! or a [`DomainError`]. Decisions that span streams ([`product`] and [`category_membership`], [`category`] and
//! [`category_name`], an [`order`] and the [`stock`] that it holds) are composed by the command side, which puts every stream that it read into the commit.

pub mod category;
pub mod category_membership;
pub mod category_name;
pub mod error;
pub mod fulfilment;
pub mod life;
pub mod order;
pub mod product;
pub mod stock;
mod validation;
pub mod value;

pub use error::{Conflict, DomainError, Entity, Priced};
pub use validation::{Findings, ValidationError};
