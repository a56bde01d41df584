//! The status of projections, and their rebuilds.

mod rebuild;
mod reply;
mod service;
mod unread;

pub(super) use rebuild::RebuildApi;
pub(super) use service::ProjectionApi;
