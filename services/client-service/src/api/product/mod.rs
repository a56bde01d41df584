//! Products.

mod input;
mod mutation;
mod query;
mod sort;
mod statistics;
mod subscription;
mod types;

pub use mutation::ProductMutations;
pub use query::ProductQueries;
pub use subscription::ProductSubscriptions;
pub use types::Product;
