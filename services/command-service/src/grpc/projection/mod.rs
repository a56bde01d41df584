//! What operators decide about projections, and how far the log is: `proto.Admin`.

mod input;
mod service;

pub(super) use service::AdminApi;
