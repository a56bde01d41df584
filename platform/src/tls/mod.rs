//! TLS of listeners and of calls, by certificates in PEM files.
//!
//! ```text
//! clients ── TLS_CERT_FILE ──► gateway ── SERVICE_CA_FILE ──► TLS_CERT_FILE of the services
//!                              SERVICE_CERT_FILE ──────────► TLS_CLIENT_CA_FILE of the services (mutual TLS)
//! ```
//!
//! A certificate is renewed every few weeks by a program that replaces files. Listeners read theirs again when they change
//! and on SIGHUP, calls before each connection; files that are invalid then leave the previous ones in use, and are logged.

mod client;
mod error;
mod expiry;
mod files;
mod pem;
mod pinned;
mod reloaded;
mod server;
mod settings;

pub use client::ClientTls;
pub use error::TlsError;
pub use expiry::expires_at;
pub use files::{ListenerTls, Protocols};
pub use server::ServerTls;
pub use settings::{CALLS, LISTENERS};

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};

/// The one cryptography of the process.
fn cryptography() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}
