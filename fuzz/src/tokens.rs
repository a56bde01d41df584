//! JSON Web Tokens and their keys, made from the standards alone: RFC 7515, 7517 and 7519.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use ring::signature::{Ed25519KeyPair, KeyPair};

/// The secret of tokens that are signed by HMAC.
pub const SECRET: &[u8] = b"a secret of the fuzz targets alone";
pub const ISSUER: &str = "https://issuer.example";
pub const AUDIENCE: &str = "shop";

/// The key pair that signs by Ed25519.
///
/// # Panics
/// Never: the seed has the right length.
#[must_use]
pub fn key_pair() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a seed")
}

/// The public key in the form of a JSON Web Key Set has it.
#[must_use]
pub fn key_set() -> String {
    let x = URL_SAFE_NO_PAD.encode(key_pair().public_key());
    format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","kid":"k","x":"{x}"}}]}}"#)
}

/// Who signs a token.
#[derive(Clone, Copy, Debug)]
pub enum TokenSigner<'k> {
    Hmac(&'k [u8]),
    Ed25519(&'k Ed25519KeyPair),
}

impl TokenSigner<'_> {
    fn signature(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Hmac(secret) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
                hmac::sign(&key, message).as_ref().to_vec()
            }
            Self::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }

    /// The token with these parts.
    #[must_use]
    pub fn token(self, header: &[u8], claims: &[u8]) -> String {
        let (header, claims) = (
            URL_SAFE_NO_PAD.encode(header),
            URL_SAFE_NO_PAD.encode(claims),
        );
        let message = format!("{header}.{claims}");
        let signature = URL_SAFE_NO_PAD.encode(self.signature(message.as_bytes()));
        format!("{message}.{signature}")
    }

    /// Whether a text is a token of this signer.
    #[must_use]
    pub fn has_signed(self, token: &str) -> bool {
        let Some((message, signature)) = token.rsplit_once('.') else {
            return false;
        };
        let signature = URL_SAFE_NO_PAD.decode(signature);
        signature.is_ok_and(|signature| signature == self.signature(message.as_bytes()))
    }
}

/// The parts of an input: a header and claims, separated by a line feed.
#[must_use]
pub fn parts(data: &[u8]) -> (&[u8], &[u8]) {
    let line = data.iter().position(|byte| *byte == b'\n');
    line.map_or((data, &[]), |at| (&data[..at], &data[at + 1..]))
}
