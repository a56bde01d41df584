//! Secrets and signatures of Standard Webhooks.

use base64::alphabet;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, Engine, GeneralPurpose, GeneralPurposeConfig};
use hmac::Mac;

use crate::signing_key::SigningKey;

pub(super) const ACCEPTS: &str = "whsec_ and the base64 of 24 to 64 bytes";

const PREFIX: &str = "whsec_";
const MIN_BYTES: usize = 24;
const MAX_BYTES: usize = 64;
/// Secrets are copied manually, and some tools leave the padding out.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The secret of an endpoint's signatures, which cannot be printed.
#[derive(Clone, Debug)]
pub(super) struct SigningSecret(SigningKey);

impl SigningSecret {
    /// Parses a secret. The error describes the text without quoting it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let Some(encoded) = text.strip_prefix(PREFIX) else {
            return Err(format!("a text without {PREFIX}"));
        };
        let Ok(bytes) = LENIENT.decode(encoded) else {
            return Err(format!("{PREFIX} with what is not base64"));
        };
        if !(MIN_BYTES..=MAX_BYTES).contains(&bytes.len()) {
            return Err(format!("{PREFIX} with {} bytes", bytes.len()));
        }
        let key = SigningKey::try_new(&bytes);
        key.map(Self).map_err(|error| error.to_string())
    }

    /// The signature of a message, with the version of its scheme.
    pub(super) fn sign(&self, id: &str, timestamp: &str, body: &[u8]) -> String {
        let mac = self.0.sign(&[id.as_bytes(), timestamp.as_bytes(), body]);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn secret_of(bytes: usize) -> String {
        format!("{PREFIX}{}", STANDARD.encode(vec![7; bytes]))
    }

    /// The example of the specification's own libraries.
    #[test]
    fn a_message_is_signed_according_to_the_specification() {
        let secret = SigningSecret::parse(SECRET).unwrap();
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let signature = secret.sign(id, "1614265330", br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_ne!(signature, secret.sign(id, "1614265331", b"{}"));
    }

    #[test]
    fn a_secret_has_24_to_64_bytes_in_base64_with_its_prefix() {
        for (text, given) in [
            (&secret_of(23), "whsec_ with 23 bytes"),
            (&secret_of(65), "whsec_ with 65 bytes"),
            (&"whsec_".to_owned(), "whsec_ with 0 bytes"),
            (
                &"whsec_not-base64!".to_owned(),
                "whsec_ with what is not base64",
            ),
            (&SECRET[6..].to_owned(), "a text without whsec_"),
            (&"whsk_MfKQ".to_owned(), "a text without whsec_"),
        ] {
            assert_eq!(SigningSecret::parse(text).unwrap_err(), given);
        }
        for bytes in [24, 25, 26, 64] {
            let padded = secret_of(bytes);
            let bare = padded.trim_end_matches('=');
            let sign = |text: &str| SigningSecret::parse(text).unwrap().sign("a", "1", b"{}");
            assert_eq!(sign(&padded), sign(bare));
        }
    }

    #[test]
    fn a_secret_does_not_show_itself() {
        let secret = SigningSecret::parse(SECRET).unwrap();
        assert_eq!(format!("{secret:?}"), "SigningSecret(***)");
    }
}
