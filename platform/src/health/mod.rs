//! What a process knows of its parts, told over HTTP and gRPC.

mod grpc;
mod http;
mod registry;

pub use grpc::{HealthService, grpc_service};
pub use http::{health_response, router};
pub use registry::{Health, Part, PartState};
