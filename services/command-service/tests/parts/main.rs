//! Components of the write side on a command database, without gRPC services.

mod event_log;
#[cfg(target_os = "linux")]
mod failing_disk;
mod notifications;
#[path = "../support/place.rs"]
mod place;
mod support;
