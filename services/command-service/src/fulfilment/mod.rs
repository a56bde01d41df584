//! Fulfilment at the edge: what is committed, found, shown and done of the sagas of orders.
//!
//! The tables are the domain's ([`domain::fulfilment`]), the engine is the kernel's ([`sagas`]), and the providers carry
//! out the steps as they are.

mod list;
mod news;
mod saga_filter;
mod sagas;

pub use list::Page;
pub use news::hear;
pub use saga_filter::SagaFilter;
pub use sagas::{Fulfilments, no_saga};
