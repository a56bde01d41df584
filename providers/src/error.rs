//! Errors at the start.

use std::path::Path;

/// Why providers cannot be set up at the start.
#[derive(Debug, thiserror::Error)]
pub enum ProvidersError {
    /// A file with certificates, or the system's, cannot be read.
    #[error("cannot read the certificates of {place}")]
    Certificates {
        place: String,
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// TLS cannot be set up.
    #[error("cannot set up TLS")]
    Tls(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl ProvidersError {
    /// An error of the certificates in `file`, or of the system's.
    pub(super) fn certificates(
        file: Option<&Path>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        let path = file.map(|path| path.display().to_string());
        Self::Certificates {
            place: path.unwrap_or_else(|| "the system".to_owned()),
            source: source.into(),
        }
    }
}
