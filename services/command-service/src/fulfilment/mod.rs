//! Starts, finds, shows and changes the sagas of orders.
//!
//! The saga definitions are in [`domain::fulfilment`], the engine is the kernel's ([`sagas`]), and the providers
//! execute the external steps.

mod provider_events;
mod sagas;

pub use provider_events::follow;
pub use sagas::{SagaService, no_saga};
