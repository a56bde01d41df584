//! The write side: commands in over gRPC, events out.
//!
//! ```text
//!  gRPC ─► grpc ─► bus ─► commands ─► domain         (what is decided)
//!                   │
//!                   └───► executor ─► event store    (what becomes durable)
//!  gRPC ─► grpc ─► idempotency ─► command database   (answers of idempotent requests)
//!                   providers ───► command database, the world   (payments, shipping, notifications)
//! ```
//!
//! [`commands`] say which streams a command decides on and in which order it writes them; the rules are the domain's.
//! [`bus`] is the one place that every command passes. [`app`] puts it all together.

pub mod app;
pub mod bus;
pub mod commands;
pub mod config;
mod context;
pub mod event_log;
pub mod fulfilment;
mod grpc;
pub mod handlers;
pub mod idempotency;
mod probes;

pub use app::{CommandService, migrate, open_event_store};
pub use config::{Config, SETTINGS};
