//! Verifies tokens.

use std::fmt;
use std::sync::Arc;

use event_sourcing::Clock;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode, decode_header};
use platform::Tasks;
use quick_cache::sync::Cache;
use ring::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use tokio::time::Instant;

use crate::claims::{Claims, ValidFrom};
use crate::error::{KeyError, TokenError};
use crate::keys::{KeySet, KeySource, ProvidedKeys, Source, VerifyingKey};
use crate::principal::Principal;
use crate::rules::TokenRules;
use crate::{claims, crypto};

/// A longer token is refused before it is parsed.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// Tokens whose signature need not be verified again.
const MAX_KNOWN_TOKENS: usize = 8_192;

/// Verifies tokens under the keys of one issuer. Cheap to clone; clones share the keys.
#[derive(Clone, Debug)]
pub struct TokenVerifier(Arc<Verifier>);

struct Verifier {
    rules: TokenRules,
    keys: Keys,
    clock: Arc<dyn Clock>,
    known: Cache<TokenHash, Known>,
}

/// Verified tokens are found by their hash, so that none is kept.
type TokenHash = [u8; SHA256_OUTPUT_LEN];

#[derive(Clone)]
struct Known {
    principal: Arc<Principal>,
    /// The keys that it was verified with.
    keys: KeysVersion,
}

/// A token that is not known.
struct Unknown {
    hash: TokenHash,
    /// Read before the key, which may be withdrawn meanwhile.
    keys: KeysVersion,
}

/// Changes whenever a provider's keys were read, so that a withdrawn key is not believed for longer than that.
type KeysVersion = Option<Instant>;

enum Keys {
    Fixed(KeySet),
    Provided(Arc<ProvidedKeys>),
}

impl Keys {
    fn version(&self) -> KeysVersion {
        match self {
            Self::Fixed(_) => None,
            Self::Provided(keys) => keys.read_at(),
        }
    }
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
        Ok(Self::new(keys, rules, clock))
    }

    /// Verifies tokens that were signed with a secret.
    pub(crate) fn of_secret(key: DecodingKey, rules: TokenRules, clock: Arc<dyn Clock>) -> Self {
        let algorithm = Algorithm::HS256;
        let key = KeySet::One(VerifyingKey { algorithm, key });
        Self::new(Keys::Fixed(key), rules, clock)
    }

    /// Verifies tokens under the keys of a JSON Web Key Set.
    ///
    /// # Errors
    /// It is not a JSON Web Key Set, or has no key that verifies tokens.
    #[cfg(feature = "testing")]
    pub fn of_key_set(
        json: &[u8],
        rules: TokenRules,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, String> {
        let keys = Keys::Fixed(KeySet::of_jwks(json)?);
        Ok(Self::new(keys, rules, clock))
    }

    fn new(keys: Keys, rules: TokenRules, clock: Arc<dyn Clock>) -> Self {
        crypto::install();
        Self(Arc::new(Verifier {
            rules,
            keys,
            clock,
            known: Cache::new(MAX_KNOWN_TOKENS),
        }))
    }

    /// The principal that a token names.
    ///
    /// # Errors
    /// The token is not accepted.
    pub async fn verify(&self, token: &str) -> Result<Arc<Principal>, TokenError> {
        let verified = match self.0.known(token) {
            Ok(known) => Ok(known),
            Err(unknown) => self.0.verify(token, unknown).await,
        };
        verified.map_err(TokenError::counted)
    }

    /// The principal that a token names, if the keys are fixed.
    pub(crate) fn verify_by_secret(&self, token: &str) -> Result<Arc<Principal>, TokenError> {
        let verified = match (self.0.known(token), &self.0.keys) {
            (Ok(known), _) => Ok(known),
            (Err(unknown), Keys::Fixed(keys)) => self.0.verify_by(keys, token, unknown),
            (Err(_), Keys::Provided(_)) => Err(TokenError::KeysUnavailable),
        };
        verified.map_err(TokenError::counted)
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
    /// The principal of a token that was verified before, with the same keys, and is still valid.
    fn known(&self, token: &str) -> Result<Arc<Principal>, Unknown> {
        let keys = self.keys.version();
        let mut hash = TokenHash::default();
        hash.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        let known = self.known.get(&hash).filter(|known| {
            known.keys == keys && !claims::is_expired(known.principal.expires_at, self.clock.now())
        });
        let principal = known.map(|known| known.principal);
        principal.ok_or(Unknown { hash, keys })
    }

    async fn verify(&self, token: &str, unknown: Unknown) -> Result<Arc<Principal>, TokenError> {
        match &self.keys {
            Keys::Fixed(keys) => self.verify_by(keys, token, unknown),
            Keys::Provided(keys) => {
                let header = header(token)?;
                let key = keys.find(header.kid.as_deref()).await?;
                self.accept(
                    token,
                    &header,
                    (&key, ValidFrom::NotBeforeOrIssuedAt),
                    unknown,
                )
            }
        }
    }

    fn verify_by(
        &self,
        keys: &KeySet,
        token: &str,
        unknown: Unknown,
    ) -> Result<Arc<Principal>, TokenError> {
        let header = header(token)?;
        let key = keys.find(header.kid.as_deref());
        let key = key.ok_or(TokenError::UnknownKey)?;
        self.accept(token, &header, (key, ValidFrom::NotBefore), unknown)
    }

    fn accept(
        &self,
        token: &str,
        header: &Header,
        (key, valid_from): (&VerifyingKey, ValidFrom),
        Unknown { hash, keys }: Unknown,
    ) -> Result<Arc<Principal>, TokenError> {
        if key.algorithm != header.alg {
            return Err(TokenError::UnknownKey);
        }
        let claims = decode::<Claims>(token, &key.key, &signature_only(key))
            .map_err(|error| refusal(error.kind()))?
            .claims;
        let principal = claims.principal(&self.rules, valid_from, self.clock.now())?;
        let principal = Arc::new(principal);
        let known = Known {
            principal: Arc::clone(&principal),
            keys,
        };
        self.known.insert(hash, known);
        Ok(principal)
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}

/// The header of a token that is not too long and of an accepted type.
fn header(token: &str) -> Result<Header, TokenError> {
    if token.len() > MAX_TOKEN_BYTES {
        let limit = MAX_TOKEN_BYTES;
        return Err(TokenError::TooLong { limit });
    }
    let header = decode_header(token).map_err(|_| TokenError::Malformed)?;
    require_type(&header)?;
    Ok(header)
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
