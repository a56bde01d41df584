//! The key of an issuer.

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};

use super::token::Token;

/// The `SubjectPublicKeyInfo` of an Ed25519 key without its bytes (RFC 8410).
const PREFIX: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// An Ed25519 key with the id that tokens name it by.
#[derive(Debug)]
pub struct KeyPair {
    id: String,
    pair: Ed25519KeyPair,
}

impl KeyPair {
    /// A new key.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub fn generate(id: &str) -> Result<Self> {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).ok();
        let pkcs8 = pkcs8.context("no key was made")?;
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).ok();
        Ok(Self {
            id: id.to_owned(),
            pair: pair.context("the key cannot be read")?,
        })
    }

    /// The token, signed by this key.
    #[must_use]
    pub fn sign(&self, token: &Token) -> String {
        self.sign_as(&self.id, token)
    }

    /// The token, signed by this key but naming another one.
    #[must_use]
    pub fn sign_as(&self, id: &str, token: &Token) -> String {
        let header = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": id});
        token.signed(&header, |message| self.pair.sign(message).as_ref().to_vec())
    }

    #[must_use]
    pub fn public_key(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    /// As an entry of a JSON Web Key Set.
    #[must_use]
    pub fn jwk(&self) -> Value {
        let x = URL_SAFE_NO_PAD.encode(self.public_key());
        json!({"kty": "OKP", "crv": "Ed25519", "kid": self.id, "x": x})
    }

    /// The public key in PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        let body = STANDARD.encode([&PREFIX, self.public_key()].concat());
        format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n")
    }
}
