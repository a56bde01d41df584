//! Verifies tokens.

use std::sync::Arc;

use event_sourcing::Clock;
use jsonwebtoken::{Header, Validation, decode, decode_header};
use platform::Tasks;

use crate::claims::{Claims, ValidFrom};
use crate::crypto;
use crate::error::{KeyError, TokenError};
use crate::keys::{KeySet, KeySource, ProvidedKeys, Source, VerifyingKey};
use crate::principal::Principal;
use crate::rules::TokenRules;

/// A longer token is refused before it is parsed.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// Verifies tokens under the keys of one issuer. Cheap to clone; clones share the keys.
#[derive(Clone, Debug)]
pub struct TokenVerifier(Arc<Verifier>);

#[derive(Debug)]
struct Verifier {
    rules: TokenRules,
    keys: Keys,
    clock: Arc<dyn Clock>,
}

#[derive(Debug)]
enum Keys {
    Fixed(KeySet),
    Provided(Arc<ProvidedKeys>),
}

impl TokenVerifier {
    /// Reads the keys. Those of a provider are followed until `tasks` stop; it need not answer yet.
    ///
    /// # Errors
    /// A file has no key of the expected kind, or the HTTP client cannot be set up.
    pub async fn open(
        source: &KeySource,
        rules: TokenRules,
        clock: Arc<dyn Clock>,
        tasks: &Tasks,
    ) -> Result<Self, KeyError> {
        crypto::install();
        let provided = match source {
            KeySource::Secret(path) => Err(KeySet::of_secret(path)?),
            KeySource::PublicKey(path) => Err(KeySet::of_public_key(path)?),
            KeySource::KeySet(url) => Ok(Source::KeySet(url.clone())),
            KeySource::Provider(url) => Ok(Source::Provider(url.clone(), rules.issuer.clone())),
        };
        let keys = match provided {
            Ok(source) => Keys::Provided(ProvidedKeys::start(source, tasks).await?),
            Err(fixed) => Keys::Fixed(fixed),
        };
        Ok(Self(Arc::new(Verifier { rules, keys, clock })))
    }

    /// The principal that a token names.
    ///
    /// # Errors
    /// The token is not accepted.
    pub async fn verify(&self, token: &str) -> Result<Principal, TokenError> {
        let verified = self.0.verify(token).await;
        if let Err(error) = &verified {
            metrics::counter!("authentication_tokens_rejected_total", "reason" => error.reason())
                .increment(1);
        }
        verified
    }

    /// Whether tokens can be verified: a provider has answered with keys, not more than a day ago.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        match &self.0.keys {
            Keys::Fixed(_) => true,
            Keys::Provided(keys) => keys.is_ready(),
        }
    }
}

impl Verifier {
    async fn verify(&self, token: &str) -> Result<Principal, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            let limit = MAX_TOKEN_BYTES;
            return Err(TokenError::TooLong { limit });
        }
        let header = decode_header(token).map_err(|_| TokenError::Malformed)?;
        require_type(&header)?;
        let (key, valid_from) = self.key(&header).await?;
        if key.algorithm != header.alg {
            return Err(TokenError::UnknownKey);
        }
        let claims = decode::<Claims>(token, &key.key, &signature_only(&key))
            .map_err(|error| refusal(error.kind()))?
            .claims;
        claims.principal(&self.rules, valid_from, self.clock.now())
    }

    async fn key(&self, header: &Header) -> Result<(VerifyingKey, ValidFrom), TokenError> {
        let id = header.kid.as_deref();
        match &self.keys {
            Keys::Fixed(keys) => {
                let key = keys.find(id).cloned().ok_or(TokenError::UnknownKey)?;
                Ok((key, ValidFrom::NotBefore))
            }
            Keys::Provided(keys) => Ok((keys.find(id).await?, ValidFrom::NotBeforeOrIssuedAt)),
        }
    }
}

/// The claims are judged here by the clock of the process: the library would read the system's.
fn signature_only(key: &VerifyingKey) -> Validation {
    let mut validation = Validation::new(key.algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation
}

/// A token of another type, such as a provider's ID token for a browser, is signed by the same key (RFC 8725, section 3.11).
fn require_type(header: &Header) -> Result<(), TokenError> {
    let stated = header.typ.as_deref();
    let is_accepted = stated.is_none_or(|stated| {
        ["JWT", "at+jwt", "application/at+jwt"]
            .iter()
            .any(|accepted| accepted.eq_ignore_ascii_case(stated))
    });
    is_accepted.then_some(()).ok_or(TokenError::Malformed)
}

fn refusal(kind: &jsonwebtoken::errors::ErrorKind) -> TokenError {
    use jsonwebtoken::errors::ErrorKind;
    match kind {
        ErrorKind::InvalidSignature => TokenError::Signature,
        ErrorKind::InvalidAlgorithm | ErrorKind::UnsupportedAlgorithm => TokenError::UnknownKey,
        _ => TokenError::Malformed,
    }
}

#[cfg(test)]
#[path = "verifier_tests.rs"]
mod tests;
