//! The read model's tables and how events fold into them.

mod categories;
mod named;
mod orders;
mod products;
mod sagas;

pub use categories::{Categories, CategoryRow};
pub use named::NamedRow;
pub use orders::{OrderRow, Orders};
pub use products::{ProductRow, Products};
pub use sagas::{OpenStep, SagaRow, Sagas};
