//! Authentication: who may do what, and what is kept apart.

mod authorised;
mod idempotency;
mod metadata;
mod own_orders;
mod provider;
mod schema_walk;
mod sockets;
