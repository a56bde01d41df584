//! Orders.

mod input;
mod mutation;
mod query;
mod status;
mod types;

pub use mutation::OrderMutations;
pub use query::OrderQueries;
