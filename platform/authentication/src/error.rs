//! Why tokens and keys are refused.

use std::path::PathBuf;

use crate::bearer::NotBearer;

/// Why a token is not accepted. The message is for its sender, who may be an attacker: it names the claim, and repeats nothing
/// of the token or the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("Authorization must be one value: Bearer and a token")]
    NotBearer,
    #[error("the token has more than {limit} bytes")]
    TooLong { limit: usize },
    #[error("the token is not a signed JSON Web Token")]
    Malformed,
    #[error("the token's key or algorithm is not accepted")]
    UnknownKey,
    #[error("the token's signature is invalid")]
    Signature,
    #[error("the token has no valid claim {0:?}")]
    Claim(&'static str),
    #[error("the token's claim {0:?} is not accepted here")]
    NotForThisSystem(&'static str),
    #[error("the token has expired")]
    Expired,
    #[error("the token is not valid yet")]
    NotYetValid,
    /// The keys could not be loaded so far. The same token may be accepted later.
    #[error("tokens cannot be verified at the moment")]
    KeysUnavailable,
}

impl From<NotBearer> for TokenError {
    fn from(_: NotBearer) -> Self {
        Self::NotBearer
    }
}

impl TokenError {
    /// The same error, counted in the metrics.
    #[must_use]
    pub fn counted(self) -> Self {
        let reason = self.reason();
        metrics::counter!("authentication_tokens_rejected_total", "reason" => reason).increment(1);
        self
    }

    /// A word for metrics.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NotBearer => "not_bearer",
            Self::TooLong { .. } => "too_long",
            Self::Malformed => "malformed",
            Self::UnknownKey => "unknown_key",
            Self::Signature => "signature",
            Self::Claim(_) => "claim",
            Self::NotForThisSystem(_) => "other_system",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::KeysUnavailable => "keys_unavailable",
        }
    }
}

/// Why keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("{} cannot be read: {cause}", path.display())]
    File {
        path: PathBuf,
        cause: std::io::Error,
    },
    #[error("{} has {given} bytes: a secret has at least {limit}", path.display())]
    ShortSecret {
        path: PathBuf,
        given: usize,
        limit: usize,
    },
    #[error(
        "{} is not a public key in PEM: RSA of 2048 bits or more, EC on P-256 or P-384, or Ed25519",
        path.display()
    )]
    NotAKey { path: PathBuf },
    #[error("the system has no random numbers")]
    NoRandomNumbers,
    #[error("{0:?}: it must be https, or http on this machine")]
    InsecureUrl(String),
    #[error("the HTTP client cannot be set up: {0}")]
    Client(reqwest::Error),
    #[error("{url} does not answer: {cause}")]
    Unreachable { url: String, cause: String },
    #[error("{url} {fault}")]
    Answer { url: String, fault: String },
}
