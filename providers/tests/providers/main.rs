//! The providers fulfil the contracts of their ports.

#[cfg(target_os = "linux")]
mod failing_disk;
mod fake_carrier;
mod fake_stripe;
mod guarantees;
mod http_client;
mod ledger;
mod mail;
mod secrets;
mod settings;
mod shipping_http;
mod simulated;
mod stripe;
mod support;
mod waits;
mod webhooks;
