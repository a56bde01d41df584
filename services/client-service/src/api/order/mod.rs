//! Orders.

mod input;
mod mutation;
mod period;
mod query;
mod sort;
mod status;
mod subscription;
mod types;

pub use mutation::OrderMutations;
pub use query::OrderQueries;
pub use subscription::OrderSubscriptions;
pub use types::Order;
