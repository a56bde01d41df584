//! The read model's tables and how events fold into them.

mod categories;
mod named;
mod products;

pub use categories::{Categories, CategoryFact, CategoryRow};
pub use named::NamedRow;
pub use products::{ProductFact, ProductRow, Products};
