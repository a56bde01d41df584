//! The read side: tables that are folded from events, and the questions that they answer, over gRPC.
//!
//! [`projections`] says how events become rows, [`cache`] how rows are kept in memory without lying, [`queries`] what
//! can be asked and how new an answer is, [`projection_status`] how the projections stand, [`grpc`] how it is asked. [`app`] puts
//! it together.

pub mod app;
pub mod cache;
pub mod config;
mod fold;
pub mod grpc;
mod probes;
mod program;
pub mod projection_status;
pub mod projections;
pub mod queries;

pub use app::{QueryService, migrate, open_event_store};
pub use config::{Config, LagLimits, SETTINGS};
pub use program::run;
