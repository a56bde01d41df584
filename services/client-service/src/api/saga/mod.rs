//! The sagas of orders.

mod query;
mod status;
mod types;

pub use query::SagaQueries;
pub use types::SagaState;
