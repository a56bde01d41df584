//! One endpoint.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::signing_secret::SigningSecret;

/// Which events are posted where, and how. [`WebhookSettings`](super::WebhookSettings) reads them.
#[derive(Clone)]
pub struct WebhookEndpoint {
    /// Names it in logs and wherever its progress is kept.
    pub name: String,
    /// Where its events are posted. The path and the parameters may be what lets us in.
    pub(super) url: String,
    /// What its events are signed with: more than one while the secret is being changed.
    pub(super) secrets: Vec<SigningSecret>,
    /// The stored names of its events.
    pub event_types: BTreeSet<String>,
    /// How long one attempt may take.
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
