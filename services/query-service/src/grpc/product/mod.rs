//! Products.

mod input;
pub(super) mod reply;
mod service;

pub(super) use service::ProductApi;
