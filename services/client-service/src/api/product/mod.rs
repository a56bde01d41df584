//! Products.

mod input;
mod mutation;
mod query;
mod sort;
mod statistics;
mod types;

pub use mutation::ProductMutations;
pub use query::ProductQueries;
pub use types::Product;
