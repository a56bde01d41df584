//! One endpoint.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::signing_secret::SigningSecret;

/// Which events are posted where, and how. [`WebhookSettings`](super::WebhookSettings) reads them.
#[derive(Clone)]
pub struct WebhookEndpoint {
    /// Identifies it in logs and for its checkpoint.
    pub name: String,
    /// Path and parameters may hold credentials.
    pub(super) url: String,
    /// The secrets of its signatures: more than one while the secret is being rotated.
    pub(super) secrets: Vec<SigningSecret>,
    /// The stored names of its events.
    pub event_types: BTreeSet<String>,
    /// The timeout of one attempt.
    pub timeout: Duration,
    /// A file with certificates to trust in addition to the system's.
    pub ca_file: Option<PathBuf>,
}

impl fmt::Debug for WebhookEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookEndpoint")
            .field("name", &self.name)
            .field("event_types", &self.event_types)
            .field("timeout", &self.timeout)
            .field("ca_file", &self.ca_file)
            .finish_non_exhaustive()
    }
}
