//! Fulfilment at the edge: the engine that runs the sagas of orders, and what carries out their calls.
//!
//! The tables are the domain's ([`domain::fulfilment`]), the engine is the kernel's ([`sagas`]); here
//! they meet the providers.

mod effects;
mod list;
mod news;
mod saga_filter;
mod sagas;

pub use effects::ProviderEffects;
pub use list::Page;
pub use news::hear;
pub use saga_filter::SagaFilter;
pub use sagas::{Fulfilments, no_saga};
