//! The schema's fields: queries, mutations and types, a folder for each kind of entity.
//!
//! An object from a command's reply lacks the fields that the command did not touch; these are read from the read side, at
//! the command's position, if they are requested.

mod argument_errors;
mod arguments;
pub mod category;
mod changes;
mod convert;
pub mod order;
mod own;
mod presence;
pub mod product;
mod read;
pub mod relay;
pub mod saga;
mod sort;
