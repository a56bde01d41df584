//! The guarantees, grouped by subject. Each is a function that panics if the store violates it.

pub mod batch;
pub mod content;
pub mod creation;
pub mod expectation;
pub mod fence;
pub mod held_leases;
pub mod identity;
pub mod lease;
pub mod maintenance;
pub mod order;
pub mod page;
pub mod precondition;
pub mod repeat;
pub mod snapshot;
pub mod status;
pub mod unreadable;
pub mod waking;
