//! The event handlers, for operators: `proto.EventHandlers`.

mod input;
mod reply;
mod service;

pub(super) use service::EventHandlersApi;
