//! The providers, against the promises of their ports.

mod book;
mod event_log;
#[cfg(target_os = "linux")]
mod failing_disk;
mod fake_carrier;
mod fake_stripe;
mod mail;
mod notices;
#[path = "../support/place.rs"]
mod place;
mod promises;
mod secrets;
mod settings;
mod shipping_http;
mod simulated;
mod stripe;
mod support;
mod waits;
