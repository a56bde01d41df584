//! Changes, for subscribers.

mod input;
mod reply;
mod service;

pub(super) use service::ChangeApi;
