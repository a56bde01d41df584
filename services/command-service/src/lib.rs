//! The write side: commands in over gRPC, events out.
//!
//! ```text
//!  gRPC ─► grpc ─► bus ─► executor ─► domain         (what is decided)
//!                              └────► event store    (what becomes durable)
//!  gRPC ─► grpc ─► idempotency_sql ─► command database   (answers of idempotent requests)
//!                   providers ───► command database, external systems   (payments, shipping, notifications)
//! ```
//!
//! The commands and their rules are in `domain`, except for the operators' decisions about projections
//! ([`projection_decision`]) and event handlers ([`handlers`]). Every command passes through [`bus`]. [`app`]
//! composes the service.

pub mod app;
pub mod bus;
pub mod config;
mod context;
pub mod event_log;
pub mod fulfilment;
mod grpc;
pub mod handlers;
mod probes;
pub mod projection_decision;

pub use app::{CommandService, migrate, open_event_store};
pub use config::{Config, SETTINGS};
