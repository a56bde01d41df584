//! The read model's tables and how events fold into them.

mod categories;
mod json;
mod named;
mod orders;
mod products;
mod sagas;

pub use categories::{Categories, CategoryFact, CategoryRow};
pub use json::Json;
pub use named::NamedRow;
pub use orders::{OrderFact, OrderRow, Orders, Progress};
pub use products::{ProductFact, ProductRow, Products};
pub use sagas::{OpenStep, SagaRow, Sagas};
