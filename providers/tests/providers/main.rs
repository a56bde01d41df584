//! The providers fulfil the contracts of their ports.

mod book;
#[cfg(target_os = "linux")]
mod failing_disk;
mod fake_carrier;
mod fake_stripe;
mod http_client;
mod mail;
mod promises;
mod secrets;
mod settings;
mod shipping_http;
mod simulated;
mod stripe;
mod support;
mod waits;
mod webhooks;
