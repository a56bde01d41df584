//! Fulfilment at the edge: what is committed, found, shown and done of the sagas of orders.
//!
//! The tables are the domain's ([`domain::fulfilment`]), the engine is the kernel's ([`sagas`]), and the providers carry
//! out the steps as they are.

mod list;
mod provider_events;
mod saga_filter;
mod sagas;

pub use list::Page;
pub use provider_events::follow;
pub use saga_filter::SagaFilter;
pub use sagas::{SagaService, no_saga};
