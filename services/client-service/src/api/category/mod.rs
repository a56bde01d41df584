//! Categories.

mod input;
mod mutation;
mod query;
mod sort;
mod statistics;
mod types;

pub use mutation::CategoryMutations;
pub use query::CategoryQueries;
pub use types::Category;
