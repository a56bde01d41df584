//! Orders.

mod input;
mod reply;
mod service;

pub(super) use service::OrderApi;
