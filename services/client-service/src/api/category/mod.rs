//! Categories.

mod input;
mod mutation;
mod query;
mod sort;
mod statistics;
mod subscription;
mod types;

pub use mutation::CategoryMutations;
pub use query::CategoryQueries;
pub use subscription::CategorySubscriptions;
pub use types::Category;
