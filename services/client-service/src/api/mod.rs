//! The schema's fields, each thing with its queries, its mutations and its types.
//!
//! An object that comes from a command's reply lacks what the command did not touch; those fields are read from
//! the read side, at the command's position, when somebody asks for them.

mod arguments;
pub mod category;
mod convert;
pub mod order;
mod presence;
pub mod product;
mod read;
pub mod saga;
