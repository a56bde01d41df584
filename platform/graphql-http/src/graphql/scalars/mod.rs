//! The scalars that the schema adds to GraphQL's own.

mod date_time;
mod decimal;

pub use date_time::DateTime;
pub use decimal::Decimal;
