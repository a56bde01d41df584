//! Starts, finds, shows and changes the sagas of orders.
//!
//! The saga definitions are in [`domain::fulfilment`], the engine is the kernel's ([`sagas`]), and the providers
//! execute the external steps.

mod list;
mod provider_events;
mod saga_filter;
mod sagas;

pub use list::Page;
pub use provider_events::follow;
pub use saga_filter::SagaFilter;
pub use sagas::{SagaService, no_saga};
