//! The read model's tables and how events fold into them.

mod categories;
mod products;

pub use categories::{Categories, CategoryFact, CategoryRow};
pub use products::{ProductFact, ProductRow, Products};
