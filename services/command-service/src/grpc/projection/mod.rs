//! Operators' decisions about projections, and the head of the log: `proto.Admin`.

mod input;
mod service;

pub(super) use service::AdminApi;
