//! The lifecycle of a process: bind, listen, serve, drain.
//!
//! ```text
//! settings ── invalid ──► exit 2
//!    │
//! bind every listener ── fails ──► exit 1
//!    │
//! serve … until SIGINT, SIGTERM or the unexpected end of a task
//!    │
//! after a signal: report not ready, and serve as before for a while, so that load balancers notice
//!    │
//! stop accepting ─► complete requests, up to a timeout ─► await every task ─► exit 0 (1 after a fault)
//! ```
//!
//! Every spawned task belongs to a [`Tasks`], which awaits it. There is one per service; a process with several
//! services drains the gateway first, because it calls the others, and then the others together.

mod addresses;
mod calls;
mod connections;
mod deadline;
mod descriptors;
mod grpc_channel;
mod guarded_body;
mod healthcheck;
mod host;
mod hsts;
mod http;
mod http1;
mod http2;
mod listener;
mod peer;
mod process;
mod rejections;
mod remote;
mod request_id;
mod service;
mod start;
mod stop;
mod tasks;
#[cfg(feature = "testing")]
pub mod testing;

pub use calls::{AdmitCall, Calls};
pub use connections::ConnectionLimits;
pub use deadline::Deadlines;
pub use grpc_channel::GrpcChannel;
pub use healthcheck::{health_report, healthcheck, healthcheck_at, reachable};
pub use host::host_of;
pub use http::HttpListener;
pub use http2::{GrpcListener, MAX_DECODED_BYTES, MAX_ENCODED_BYTES};
pub use peer::Peer;
pub use process::{StopSignals, repeat, run, upkeep};
pub use request_id::{RequestId, RequestSummary, X_REQUEST_ID};
pub use service::{Service, serve};
pub use start::StartError;
pub use stop::StopDeadline;
pub use tasks::{NotDrained, Tasks};
