//! JSON Web Key Sets: whatever one has, no token is accepted that was signed by what everyone can read in it, or not at all.
#![no_main]

use std::sync::Arc;

use authentication::{TokenRules, TokenVerifier};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use event_sourcing::testing::at;
use fuzz_targets::tokens::{AUDIENCE, ISSUER, TokenSigner, key_pair};
use fuzz_targets::{FixedClock, block_on};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

const MAX_KEYS: usize = 100;
const ALGORITHMS: [&str; 7] = ["HS256", "RS256", "PS256", "ES256", "ES384", "EdDSA", "none"];

fuzz_target!(|data: &[u8]| {
    let rules = TokenRules {
        issuer: ISSUER.to_owned(),
        audience: AUDIENCE.to_owned(),
        roles_claim: "roles".to_owned(),
    };
    let Ok(verifier) = TokenVerifier::of_key_set(data, rules, Arc::new(FixedClock)) else {
        return;
    };
    let set: Value = serde_json::from_slice(data).expect("an accepted set is JSON");
    let keys = set["keys"].as_array().expect("an accepted set has keys");
    assert!((1..=MAX_KEYS).contains(&keys.len()));
    let pair = key_pair();
    let now = at(0).timestamp();
    let claims = json!({"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "nbf": now, "exp": now + 60});
    let claims = claims.to_string();
    for key in keys.iter().take(3) {
        let parts = ["k", "n", "x", "y"].map(|part| key[part].as_str());
        let public = parts.into_iter().flatten();
        let secrets = public.flat_map(|part| {
            [
                URL_SAFE_NO_PAD.decode(part).unwrap_or_default(),
                part.into(),
            ]
        });
        let secrets: Vec<Vec<u8>> = secrets.collect();
        let secrets = secrets.iter().map(|secret| TokenSigner::Hmac(secret));
        for signer in secrets.chain([TokenSigner::Ed25519(&pair)]) {
            for algorithm in ALGORITHMS {
                let header = json!({"alg": algorithm, "kid": key.get("kid")}).to_string();
                let token = signer.token(header.as_bytes(), claims.as_bytes());
                let verified = block_on(verifier.verify(&token));
                // Only a set that has the public key of this pair may accept what it has signed.
                assert!(verified.is_err(), "{token}");
            }
        }
    }
});
