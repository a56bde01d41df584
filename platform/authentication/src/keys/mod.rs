//! The keys that tokens are verified with.

mod fetch;
mod key_set;
mod provided;
mod provider_url;

use std::path::{Path, PathBuf};

pub use fetch::Source;
pub use key_set::{KeySet, VerifyingKey};
pub use provided::ProvidedKeys;
pub use provider_url::ProviderUrl;

use crate::error::KeyError;

/// A shorter secret can be found by trying (RFC 7518, section 3.2).
pub const MIN_SECRET_BYTES: usize = 32;

/// Where the keys come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// A file with a secret that the issuer has too (HS256).
    Secret(PathBuf),
    /// A file with the issuer's public key in PEM (RS256, ES256, ES384 or `EdDSA`, by the kind of key).
    PublicKey(PathBuf),
    /// The issuer's JSON Web Key Set.
    KeySet(ProviderUrl),
    /// An `OpenID` provider, which says where its JSON Web Key Set is.
    Provider(ProviderUrl),
}

/// The secret in a file, without white space at its ends.
///
/// # Errors
/// The file cannot be read, or the secret is short.
pub fn read_secret(path: &Path) -> Result<Vec<u8>, KeyError> {
    let bytes = read(path)?;
    let secret = bytes.trim_ascii();
    if secret.len() < MIN_SECRET_BYTES {
        return Err(KeyError::ShortSecret {
            path: path.to_owned(),
            given: secret.len(),
            limit: MIN_SECRET_BYTES,
        });
    }
    Ok(secret.to_vec())
}

pub fn read(path: &Path) -> Result<Vec<u8>, KeyError> {
    std::fs::read(path).map_err(|cause| KeyError::File {
        path: path.to_owned(),
        cause,
    })
}
