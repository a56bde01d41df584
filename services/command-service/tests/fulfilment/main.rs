//! The sagas of orders under every fault, with the definitions of the domain, the commands of this service and the
//! engine of the kernel.

mod cancel_order;
mod order;
mod provider_events;
mod shop;
