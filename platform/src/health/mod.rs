//! Health of a process and its components, over HTTP and gRPC.
//!
//! Three questions, of which an orchestrator needs the last two: is every component up (`/health`), does the process
//! run (`/health/live`), can it serve requests (`/health/ready`, and the gRPC health of its services)?

mod clock;
mod grpc;
mod http;
mod registry;
mod start;

pub use clock::watch_clock;
pub use grpc::{ALL_PARTS, HealthService, grpc_service};
pub use http::{HEALTH, LIVE, METRICS, READY, router};
pub use registry::{Component, ComponentState, Health, within};
pub use start::{StartStep, explain_start};
