//! The sagas of orders meet every fault: the tables of the domain, the commands of this service, the engine of the
//! kernel.

mod cancel_order;
mod order;
mod provider_events;
mod shop;
