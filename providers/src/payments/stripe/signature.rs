//! The signatures of Stripe's webhooks.

use std::time::Duration;

use chrono::{DateTime, Utc};
use hmac::Mac;

use crate::Secret;
use crate::signing_key::SigningKey;

/// The largest difference between the signed time and now.
pub const TOLERANCE: Duration = Duration::from_mins(5);

/// Why the signature of a request is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The header is missing or cannot be read.
    #[error("the signature cannot be read")]
    Malformed,
    /// The signed time is too far from now.
    #[error("the signature is too old or from the future")]
    Stale,
    /// No signature matches the body and the secret.
    #[error("the signature does not match")]
    Mismatch,
}

/// Checks that `header`, such as `t=1700000000,v1=5257a8…`, signs `body`. One of several signatures must match: there are
/// several while the secret is being rotated.
///
/// # Errors
/// [`SignatureError`]; the body must not be read.
pub fn verify(
    secret: &Secret,
    header: &str,
    body: &[u8],
    now: DateTime<Utc>,
) -> Result<(), SignatureError> {
    let mut time = None;
    let mut signatures = Vec::new();
    for part in header.split(',') {
        match part.trim().split_once('=') {
            // Which of two times is signed would be a guess.
            Some(("t", _)) if time.is_some() => return Err(SignatureError::Malformed),
            Some(("t", text)) => time = Some(text),
            Some(("v1", text)) => signatures.extend(from_hex(text)),
            // Schemes other than v1 are for tests, or for the future.
            _ => {}
        }
    }
    let time = time.ok_or(SignatureError::Malformed)?;
    let seconds: i64 = time.parse().map_err(|_| SignatureError::Malformed)?;
    let key = SigningKey::try_new(secret.reveal().as_bytes());
    let key = key.map_err(|_| SignatureError::Malformed)?;
    let mac = key.sign(&[time.as_bytes(), body]);
    let fits = |signature: &Vec<u8>| mac.clone().verify_slice(signature).is_ok();
    // Each is compared in constant time; their number is no secret.
    if !signatures.iter().any(fits) {
        return Err(SignatureError::Mismatch);
    }
    if now.timestamp().abs_diff(seconds) > TOLERANCE.as_secs() {
        return Err(SignatureError::Stale);
    }
    Ok(())
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let bytes = text.as_bytes();
    if bytes.is_empty() || !bytes.len().is_multiple_of(2) {
        return None;
    }
    bytes
        .chunks_exact(2)
        .map(|pair| {
            let value = digit(pair[0])? * 16 + digit(pair[1])?;
            u8::try_from(value).ok()
        })
        .collect()
}
