//! Errors at the start.

use std::path::Path;

/// Why providers cannot be set up at the start.
#[derive(Debug, thiserror::Error)]
pub enum ProvidersError {
    /// A file with certificates, or the system's, cannot be read.
    #[error("cannot read the certificates of {place}")]
    Certificates {
        place: String,
        /// The setting that names the file.
        setting: Option<&'static str>,
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// TLS cannot be set up.
    #[error("cannot set up TLS")]
    Tls(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl ProvidersError {
    /// The setting to correct, if the error is about a file that it names.
    #[must_use]
    pub const fn setting(&self) -> Option<&'static str> {
        match self {
            Self::Certificates { setting, .. } => *setting,
            Self::Tls(_) => None,
        }
    }

    /// The same error, of a provider whose file with certificates is `ca_file`, which this setting names.
    pub(super) fn of_setting(mut self, name: &'static str, ca_file: Option<&Path>) -> Self {
        if let Self::Certificates { setting, .. } = &mut self {
            *setting = ca_file.map(|_| name);
        }
        self
    }

    /// An error of the certificates in `file`, or of the system's.
    pub(super) fn certificates(
        file: Option<&Path>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        let path = file.map(|path| path.display().to_string());
        Self::Certificates {
            place: path.unwrap_or_else(|| "the system".to_owned()),
            setting: None,
            source: source.into(),
        }
    }
}
