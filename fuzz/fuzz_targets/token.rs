//! Tokens: only one with the right signature is accepted, and then its claims are those that the rules ask for.
#![no_main]

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use authentication::{KeySource, Principal, TokenRules, TokenVerifier, bearer_of};
use event_sourcing::testing::at;
use fuzz_targets::tokens::{AUDIENCE, ISSUER, SECRET, TokenSigner, key_pair, key_set, parts};
use fuzz_targets::{FixedClock, block_on, split_choice};
use libfuzzer_sys::fuzz_target;
use platform::Tasks;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::Value;

const LEEWAY_SECONDS: f64 = 30.0;

struct Verifiers {
    of_secret: TokenVerifier,
    of_key: TokenVerifier,
    pair: Ed25519KeyPair,
}

static VERIFIERS: LazyLock<Verifiers> = LazyLock::new(|| {
    let rules = TokenRules {
        issuer: ISSUER.to_owned(),
        audience: AUDIENCE.to_owned(),
        roles_claim: "realm_access.roles".to_owned(),
    };
    let path = std::env::temp_dir().join(format!("fuzz-token-{}", std::process::id()));
    std::fs::write(&path, SECRET).expect("a file");
    let source = KeySource::Secret(PathBuf::from(&path));
    let clock = Arc::new(FixedClock);
    let tasks = Tasks::new();
    let of_secret = TokenVerifier::open(&source, rules.clone(), clock.clone(), &tasks);
    let of_secret = block_on(of_secret).expect("a verifier");
    std::fs::remove_file(path).expect("its removal");
    Verifiers {
        of_secret,
        of_key: TokenVerifier::of_key_set(key_set().as_bytes(), rules, clock).expect("a verifier"),
        pair: key_pair(),
    }
});

/// Both verifiers accept exactly what their key has signed, if anything.
fn judge(token: &str) -> [Option<Arc<Principal>>; 2] {
    let Verifiers {
        of_secret,
        of_key,
        pair,
    } = &*VERIFIERS;
    let signers = [TokenSigner::Hmac(SECRET), TokenSigner::Ed25519(pair)];
    let verifiers = [of_secret, of_key];
    [0, 1].map(|index| {
        let principal = block_on(verifiers[index].verify(token)).ok();
        assert!(
            principal.is_none() || signers[index].has_signed(token),
            "{token}"
        );
        // What was verified is remembered.
        let known = principal
            .is_some()
            .then(|| block_on(verifiers[index].verify(token)).ok());
        assert_eq!(known.flatten(), principal);
        principal
    })
}

fn require_claims(claims: &[u8], principal: &Principal) {
    let claims: Value = serde_json::from_slice(claims).expect("claims are JSON");
    let now = i32::try_from(at(0).timestamp()).map_or(f64::NAN, f64::from);
    let is_late = |name: &str| {
        let time = claims[name].as_f64();
        time.is_some_and(|time| time > now + LEEWAY_SECONDS)
    };
    assert_eq!(claims["iss"], ISSUER);
    let audience = &claims["aud"];
    let is_for_us = |audience: &Value| audience == AUDIENCE;
    assert!(
        is_for_us(audience)
            || audience
                .as_array()
                .is_some_and(|all| all.iter().any(is_for_us))
    );
    assert!(
        claims["exp"]
            .as_f64()
            .is_some_and(|time| time > now - LEEWAY_SECONDS)
    );
    assert!(!claims["nbf"].is_null() && !is_late("nbf") && !is_late("iat"));
    assert_eq!(claims["sub"], principal.subject);
    assert!(!principal.subject.is_empty() && !principal.subject.contains('\0'));
}

fuzz_target!(|data: &[u8]| {
    let Some((choice, rest)) = split_choice(data) else {
        return;
    };
    if let (0, Ok(text)) = (choice % 5, std::str::from_utf8(rest)) {
        if let Ok(Some(token)) = bearer_of(text) {
            assert!(text.trim_end().ends_with(token) && token == token.trim());
            judge(token);
        }
        judge(text);
        return;
    }
    let pair = &VERIFIERS.pair;
    let (header, claims) = parts(rest);
    let (signer, accepting) = match choice % 5 {
        1 => (TokenSigner::Hmac(SECRET), Some(0)),
        2 => (TokenSigner::Ed25519(pair), Some(1)),
        3 => (
            TokenSigner::Hmac(b"another secret of the fuzz targets"),
            None,
        ),
        // A public key is no secret.
        _ => (TokenSigner::Hmac(pair.public_key().as_ref()), None),
    };
    let token = signer.token(header, claims);
    for (index, principal) in judge(&token).into_iter().enumerate() {
        if let Some(principal) = principal {
            assert_eq!(Some(index), accepting);
            require_claims(claims, &principal);
        }
    }
});
