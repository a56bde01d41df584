//! Keys by their id, each with the one algorithm that it verifies.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::path::Path;

use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};
use serde::Deserialize;
use serde_json::Value;

use super::{read, read_secret};
use crate::error::KeyError;

/// A provider has few keys: the current one, the next one, and some that expire.
const MAX_KEYS: usize = 100;

/// A point, uncompressed: 0x04 and two coordinates.
const POINT_ON_P256_BYTES: usize = 65;
const POINT_ON_P384_BYTES: usize = 97;
const ED25519_BYTES: usize = 32;
/// 2048 to 8192 bits, which are the sizes that are verified.
const RSA_BYTES: RangeInclusive<usize> = 256..=1024;

#[derive(Clone, Debug)]
pub struct VerifyingKey {
    pub algorithm: Algorithm,
    pub key: DecodingKey,
}

#[derive(Clone, Debug)]
pub enum KeySet {
    /// One key, whatever id a token names.
    One(VerifyingKey),
    /// A token names its key, unless there is only one.
    ById {
        keys: HashMap<String, VerifyingKey>,
        without_id: Option<VerifyingKey>,
    },
}

#[derive(Deserialize)]
#[serde(expecting = "an object with the list `keys`")]
struct JwkSet {
    keys: Vec<Value>,
}

impl KeySet {
    /// # Errors
    /// The file cannot be read, or its secret is short.
    pub fn of_secret(path: &Path) -> Result<Self, KeyError> {
        let secret = read_secret(path)?;
        let key = DecodingKey::from_secret(&secret).map_err(|_| not_a_key(path))?;
        Ok(Self::One(VerifyingKey {
            algorithm: Algorithm::HS256,
            key,
        }))
    }

    /// # Errors
    /// The file cannot be read, or is not a public key in PEM.
    pub fn of_public_key(path: &Path) -> Result<Self, KeyError> {
        let pem = read(path)?;
        let key = public_key(&pem).ok_or_else(|| not_a_key(path))?;
        Ok(Self::One(key))
    }

    /// The keys of a JSON Web Key Set that verify signatures. Others are skipped, as RFC 7517 asks: for encryption, of an unknown
    /// kind, or secret, which must not be published.
    ///
    /// # Errors
    /// It is not a JSON Web Key Set, or has no such key.
    pub fn of_jwks(json: &[u8]) -> Result<Self, String> {
        let set: JwkSet = serde_json::from_slice(json)
            .map_err(|error| format!("is not a JSON Web Key Set: {error}"))?;
        if set.keys.len() > MAX_KEYS {
            let given = set.keys.len();
            return Err(format!("has {given} keys: at most {MAX_KEYS} are read"));
        }
        let mut keys = HashMap::new();
        let mut without_id = None;
        for value in set.keys {
            let Ok(jwk) = serde_json::from_value::<Jwk>(value) else {
                continue;
            };
            let Some(key) = verifying_key(&jwk) else {
                continue;
            };
            match jwk.common.key_id {
                Some(id) => {
                    keys.insert(id, key);
                }
                None => without_id = Some(key),
            }
        }
        if keys.is_empty() && without_id.is_none() {
            return Err("has no key for RS256, PS256, ES256, ES384 or EdDSA".to_owned());
        }
        Ok(Self::ById { keys, without_id })
    }

    /// The key of a token that names this id.
    #[must_use]
    pub fn find(&self, id: Option<&str>) -> Option<&VerifyingKey> {
        match (self, id) {
            (Self::One(key), _) => Some(key),
            (Self::ById { keys, .. }, Some(id)) => keys.get(id),
            (Self::ById { keys, without_id }, None) => match without_id {
                Some(key) if keys.is_empty() => Some(key),
                None if keys.len() == 1 => keys.values().next(),
                _ => None,
            },
        }
    }
}

fn not_a_key(path: &Path) -> KeyError {
    KeyError::NotAKey {
        path: path.to_owned(),
    }
}

fn public_key(pem: &[u8]) -> Option<VerifyingKey> {
    if let Ok(key) = DecodingKey::from_rsa_pem(pem) {
        let algorithm = Algorithm::RS256;
        return Some(VerifyingKey { algorithm, key });
    }
    if let Ok(key) = DecodingKey::from_ec_pem(pem) {
        let algorithm = match key.try_get_as_bytes().ok()?.len() {
            POINT_ON_P256_BYTES => Algorithm::ES256,
            POINT_ON_P384_BYTES => Algorithm::ES384,
            _ => return None,
        };
        return Some(VerifyingKey { algorithm, key });
    }
    let key = DecodingKey::from_ed_pem(pem).ok()?;
    let algorithm = Algorithm::EdDSA;
    Some(VerifyingKey { algorithm, key })
}

/// The key, if it may verify signatures, with the algorithm that the set states, or else the usual one of its kind.
fn verifying_key(jwk: &Jwk) -> Option<VerifyingKey> {
    let common = &jwk.common;
    let is_for_signatures =
        !matches!(&common.public_key_use, Some(other) if *other != PublicKeyUse::Signature);
    let operations = common.key_operations.as_deref();
    let may_verify = operations.is_none_or(|all| all.contains(&KeyOperations::Verify));
    if !is_for_signatures || !may_verify {
        return None;
    }
    let algorithm = match (&jwk.algorithm, common.key_algorithm) {
        (AlgorithmParameters::RSA(_), None | Some(KeyAlgorithm::RS256)) => Algorithm::RS256,
        (AlgorithmParameters::RSA(_), Some(KeyAlgorithm::PS256)) => Algorithm::PS256,
        (AlgorithmParameters::EllipticCurve(key), stated) => match (&key.curve, stated) {
            (EllipticCurve::P256, None | Some(KeyAlgorithm::ES256)) => Algorithm::ES256,
            (EllipticCurve::P384, None | Some(KeyAlgorithm::ES384)) => Algorithm::ES384,
            _ => return None,
        },
        (AlgorithmParameters::OctetKeyPair(key), None | Some(KeyAlgorithm::EdDSA))
            if key.curve == EllipticCurve::Ed25519 =>
        {
            Algorithm::EdDSA
        }
        _ => return None,
    };
    let key = DecodingKey::from_jwk(jwk).ok()?;
    has_size_of(algorithm, &key).then_some(VerifyingKey { algorithm, key })
}

/// Whether a key is as long as its algorithm needs. Another one would verify no token, and a set with it alone would seem to
/// have a key.
fn has_size_of(algorithm: Algorithm, key: &DecodingKey) -> bool {
    let bytes = match key.kind() {
        DecodingKeyKind::SecretOrDer(key) => key,
        DecodingKeyKind::RsaModulusExponent { n, .. } => n,
    };
    match algorithm {
        Algorithm::ES256 => bytes.len() == POINT_ON_P256_BYTES,
        Algorithm::ES384 => bytes.len() == POINT_ON_P384_BYTES,
        Algorithm::EdDSA => bytes.len() == ED25519_BYTES,
        _ => {
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            RSA_BYTES.contains(&(bytes.len() - zeros))
        }
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::Algorithm;
    use serde_json::{Value, json};

    use super::KeySet;

    fn rsa(more: &Value) -> Value {
        // 2048 bits.
        let n = format!("{}w", "_".repeat(341));
        let mut key = json!({"kty": "RSA", "n": n, "e": "AQAB"});
        let all = key.as_object_mut().expect("an object");
        all.extend(more.as_object().expect("an object").clone());
        key
    }

    fn set(keys: &[Value]) -> Result<KeySet, String> {
        KeySet::of_jwks(json!({ "keys": keys }).to_string().as_bytes())
    }

    #[test]
    fn the_algorithm_belongs_to_the_key() {
        let point = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
        for (key, expected) in [
            (rsa(&json!({})), Algorithm::RS256),
            (
                rsa(&json!({"alg": "PS256", "use": "sig"})),
                Algorithm::PS256,
            ),
            (rsa(&json!({"key_ops": ["verify"]})), Algorithm::RS256),
            (
                json!({"kty": "EC", "crv": "P-256", "x": point, "y": point}),
                Algorithm::ES256,
            ),
            (
                json!({"kty": "OKP", "crv": "Ed25519", "x": point}),
                Algorithm::EdDSA,
            ),
        ] {
            let known = set(std::slice::from_ref(&key)).expect("a key");
            assert_eq!(
                known.find(None).map(|key| key.algorithm),
                Some(expected),
                "{key}"
            );
        }
    }

    #[test]
    fn keys_that_must_not_verify_tokens_are_skipped() {
        for key in [
            rsa(&json!({"use": "enc"})),
            rsa(&json!({"key_ops": ["encrypt"]})),
            rsa(&json!({"alg": "RSA-OAEP"})),
            rsa(&json!({"alg": "HS256"})),
            json!({"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"}),
            json!({"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"}),
            json!({"kty": "new"}),
            json!("text"),
            // Of the wrong size.
            rsa(&json!({"n": "3q2-7w"})),
            json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}),
            json!({"kty": "OKP", "crv": "Ed25519", "x": ""}),
            json!({"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}),
        ] {
            let only = set(std::slice::from_ref(&key));
            assert!(only.is_err(), "{key}");
            let mixed = set(&[key.clone(), rsa(&json!({"kid": "a"}))]).expect("a key");
            assert!(mixed.find(Some("a")).is_some(), "{key}");
        }
        assert!(KeySet::of_jwks(b"{\"keys\": 1}").is_err());
        let many: Vec<_> = (0..101)
            .map(|id| rsa(&json!({"kid": id.to_string()})))
            .collect();
        assert!(set(&many).expect_err("many").contains("101 keys"));
    }

    #[test]
    fn a_token_names_its_key_unless_there_is_only_one() {
        let one = set(&[rsa(&json!({"kid": "a"}))]).expect("a key");
        assert!(one.find(Some("a")).is_some());
        assert!(one.find(None).is_some());
        assert!(one.find(Some("b")).is_none());
        let two = set(&[rsa(&json!({"kid": "a"})), rsa(&json!({"kid": "b"}))]).expect("keys");
        assert!(two.find(Some("b")).is_some());
        assert!(two.find(None).is_none());
        let mixed = set(&[rsa(&json!({"kid": "a"})), rsa(&json!({}))]).expect("keys");
        assert!(mixed.find(None).is_none());
    }
}
