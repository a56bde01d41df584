use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use event_sourcing::clock::ManualClock;
use platform::Tasks;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};
use tempfile::NamedTempFile;
use test_tokens::{KeyPair, Provider, Token};

use super::TokenVerifier;
use crate::error::{KeyError, TokenError};
use crate::issue::{TokenIssuer, TokenRequest};
use crate::keys::KeySource;
use crate::principal::Role;
use crate::rules::TokenRules;

const NOW: i64 = 1_800_000_000;
const ISSUER: &str = "https://id.example";
const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(NOW, 0).expect("a time")
}

fn rules(issuer: &str) -> TokenRules {
    TokenRules {
        issuer: issuer.to_owned(),
        audience: "shop".to_owned(),
        roles_claim: "roles".to_owned(),
    }
}

async fn open(source: &KeySource, issuer: &str) -> Result<TokenVerifier, KeyError> {
    let clock = Arc::new(ManualClock::new(now()));
    TokenVerifier::open(source, rules(issuer), clock, &Tasks::new()).await
}

fn file(content: impl AsRef<[u8]>) -> (NamedTempFile, PathBuf) {
    let mut file = NamedTempFile::new().expect("a file");
    file.write_all(content.as_ref()).expect("written");
    let path = file.path().to_owned();
    (file, path)
}

fn request() -> TokenRequest {
    TokenRequest {
        issuer: ISSUER.to_owned(),
        audience: "shop".to_owned(),
        roles_claim: "roles".to_owned(),
        subject: "ada".to_owned(),
        roles: vec![Role::Admin],
        valid_for: Duration::from_mins(1),
    }
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// Another valid token of the issuer.
fn claims() -> Token {
    Token::of("ada", &[])
        .with("iss", ISSUER)
        .with("aud", "shop")
        .valid(now(), now() + TimeDelta::minutes(1))
}

fn key(id: &str) -> KeyPair {
    KeyPair::generate(id).expect("a key")
}

fn pem(der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n")
}

#[tokio::test]
async fn a_token_signed_by_the_secret_names_its_principal() {
    let (_file, path) = file(format!("{SECRET}\n"));
    let verifier = open(&KeySource::Secret(path.clone()), ISSUER)
        .await
        .expect("opened");
    let issuer = TokenIssuer::open(&path).expect("opened");
    let token = issuer.issue(&request(), now());
    let principal = verifier.verify(&token).await.expect("valid");
    assert_eq!(principal.subject, "ada");
    assert!(principal.roles.iter().eq([Role::Admin]));
    assert_eq!(principal.expires_at.timestamp(), NOW + 60);
    assert!(verifier.is_ready());
}

#[tokio::test]
async fn every_altered_or_foreign_token_is_refused() {
    let (_file, path) = file(SECRET);
    let verifier = open(&KeySource::Secret(path.clone()), ISSUER)
        .await
        .expect("opened");
    let valid = TokenIssuer::open(&path)
        .expect("opened")
        .issue(&request(), now());
    let (_other_file, foreign_secret) = file("another secret of at least 32 bytes");
    let foreign = TokenIssuer::open(&foreign_secret)
        .expect("opened")
        .issue(&request(), now());
    let parts: Vec<&str> = valid.split('.').collect();
    let other = claims().signed_with(SECRET);
    let other_claims = other.split('.').nth(1).expect("claims");
    let unsigned = format!("{}.{}.", part(&json!({"alg": "none"})), parts[1]);
    let sign = |message: &[u8]| {
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, SECRET.as_bytes());
        ring::hmac::sign(&key, message).as_ref().to_vec()
    };
    let extended = claims().signed(&json!({"alg": "HS256", "crit": ["x"], "x": 1}), sign);
    for (token, expected) in [
        (foreign, TokenError::Signature),
        (
            format!("{}.{other_claims}.{}", parts[0], parts[2]),
            TokenError::Signature,
        ),
        (format!("{}.{}.", parts[0], parts[1]), TokenError::Signature),
        (unsigned, TokenError::Malformed),
        (extended, TokenError::Malformed),
        (
            claims().signed(&json!({"alg": "HS256", "typ": "ID"}), sign),
            TokenError::Malformed,
        ),
        (
            claims().signed(&json!({"alg": "HS512"}), sign),
            TokenError::UnknownKey,
        ),
        (
            claims().signed(&json!({"alg": "RS256"}), sign),
            TokenError::UnknownKey,
        ),
        (String::new(), TokenError::Malformed),
        ("a.b".to_owned(), TokenError::Malformed),
        ("a.b.c".to_owned(), TokenError::Malformed),
        (format!("{valid}.x"), TokenError::Malformed),
        ("x".repeat(8_193), TokenError::TooLong { limit: 8_192 }),
    ] {
        assert_eq!(verifier.verify(&token).await, Err(expected), "{token:.80}");
    }
}

#[tokio::test]
async fn a_public_key_verifies_its_algorithm_only() {
    let own = key("any");
    let (_file, path) = file(own.pem());
    let verifier = open(&KeySource::PublicKey(path), ISSUER)
        .await
        .expect("opened");
    assert!(verifier.verify(&own.sign(&claims())).await.is_ok());
    assert_eq!(
        verifier.verify(&key("other").sign(&claims())).await,
        Err(TokenError::Signature)
    );
    // The public key taken as a secret: an attacker knows it.
    let public = own.public_key().to_vec();
    let confused = claims().signed(&json!({"alg": "HS256"}), |message| {
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &public);
        ring::hmac::sign(&key, message).as_ref().to_vec()
    });
    assert_eq!(
        verifier.verify(&confused).await,
        Err(TokenError::UnknownKey)
    );

    let random = SystemRandom::new();
    let signing = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(signing, &random).expect("a key");
    let pair = EcdsaKeyPair::from_pkcs8(signing, pkcs8.as_ref(), &random).expect("a key");
    // SubjectPublicKeyInfo of P-256 (RFC 5480).
    let prefix = [
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08,
        0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
    ];
    let (_file, path) = file(pem(&[&prefix, pair.public_key().as_ref()].concat()));
    let verifier = open(&KeySource::PublicKey(path), ISSUER)
        .await
        .expect("opened");
    let signed = claims().signed(&json!({"alg": "ES256"}), |message| {
        pair.sign(&random, message)
            .expect("signed")
            .as_ref()
            .to_vec()
    });
    assert!(verifier.verify(&signed).await.is_ok());
}

/// Made by OpenSSL: ring makes no RSA keys.
#[tokio::test]
async fn rsa_signatures_are_verified() {
    const MODULUS: &str = "wp32TExGbg0bUE9cyIgcRGawcJ8PNYZ_5GlMlHIeXbpPpAuI-hFhdmQJQ6jKLcAc3fR144KquzX1EADEGcc5y4APhCBojlOhYSnCq6nP4MmpncnYabb8fEzWiMcCkStfaXlSdhrrrnpvJaEKWbcQG7GO3bjqjpX_D9vRiyH63WmJG0Mmh-jmSa4kQC7NPcCUDOE_lqiMLfY4TFoCPoWE5VYlYsuu_lrK59wJnPvLvhx42T6ToslsVVu5NJWN0q0VNIKVqLBhallc2ENfnXEUN3JgZbfVzQK4qUkv3TZTN_BZ0HXHl_BChxTwXkCp2mCoM5ut3ebsQ_LJ5NgGOfYCiQ";
    const TOKEN: &str = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImEifQ.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUiLCJhdWQiOiJzaG9wIiwic3ViIjoiYWRhIiwiZXhwIjoxODAwMDAwMDYwLCJpYXQiOjE4MDAwMDAwMDB9.TfUKc0qb7acwHZ59eWTKA1B_X4p7caUxEYmcVlVeLbZFO7wfs_z7cgT_vmVKhIuO44MbVAIB6HYjSVMB3O4RH0LHMqGnyOZkd9QksQDuzegnqkNwDbgshUwvJO1N8slPgTPUjI8557Ch8BaPCSh09xbX1vXq9G4WB-GO0m8dlFhMnJdxm_sXxpNHUJ-RXSi1yPE6W5tcri_OyVsa8rgPkEPKs6XxtOkfG2XbAsn90OR0R9UlkEE9K7PxM3DR9jZerV4T9wCOGNNz6hBhQhgOzTPGFbhUaC2TdaVs3Atj21__EeFHl_Tz6icwO18ur8nTapsjUARdaT9XuYPElGaJSw";
    const PEM: &str = "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAwp32TExGbg0bUE9cyIgc\nRGawcJ8PNYZ/5GlMlHIeXbpPpAuI+hFhdmQJQ6jKLcAc3fR144KquzX1EADEGcc5\ny4APhCBojlOhYSnCq6nP4MmpncnYabb8fEzWiMcCkStfaXlSdhrrrnpvJaEKWbcQ\nG7GO3bjqjpX/D9vRiyH63WmJG0Mmh+jmSa4kQC7NPcCUDOE/lqiMLfY4TFoCPoWE\n5VYlYsuu/lrK59wJnPvLvhx42T6ToslsVVu5NJWN0q0VNIKVqLBhallc2ENfnXEU\nN3JgZbfVzQK4qUkv3TZTN/BZ0HXHl/BChxTwXkCp2mCoM5ut3ebsQ/LJ5NgGOfYC\niQIDAQAB\n-----END PUBLIC KEY-----\n";
    let rsa = json!({"kty": "RSA", "kid": "a", "e": "AQAB", "n": MODULUS});
    let provider = Provider::start().await.expect("bound");
    provider.publish([rsa]);
    let source = keys_of(&provider);
    let verifier = open(&source, ISSUER).await.expect("opened");
    assert!(verifier.verify(TOKEN).await.is_ok());
    let (message, signature) = TOKEN.rsplit_once('.').expect("a signature");
    let altered = format!("{message}.{}", signature.to_ascii_lowercase());
    assert_eq!(verifier.verify(&altered).await, Err(TokenError::Signature));

    // From a file the key is that of an issuer whose tokens have nbf.
    let (_file, path) = file(PEM);
    let verifier = open(&KeySource::PublicKey(path), ISSUER)
        .await
        .expect("opened");
    assert_eq!(verifier.verify(TOKEN).await, Err(TokenError::Claim("nbf")));
    assert_eq!(verifier.verify(&altered).await, Err(TokenError::Signature));
}

#[tokio::test]
async fn a_file_without_a_usable_key_stops_the_start() {
    let missing = PathBuf::from("/nonexistent/secret");
    let error = open(&KeySource::Secret(missing), ISSUER)
        .await
        .expect_err("missing");
    assert!(error.to_string().contains("/nonexistent/secret"), "{error}");
    let (_file, path) = file("short\n");
    let error = open(&KeySource::Secret(path), ISSUER)
        .await
        .expect_err("short");
    assert!(error.to_string().contains("5 bytes"), "{error}");
    let (_file, path) = file(SECRET);
    let error = open(&KeySource::PublicKey(path), ISSUER)
        .await
        .expect_err("no key");
    assert!(
        error.to_string().contains("not a public key in PEM"),
        "{error}"
    );
}

/// A provider that has these keys.
async fn provider(keys: &[&KeyPair]) -> Provider {
    let provider = Provider::start().await.expect("bound");
    provider.publish(keys.iter().map(|key| key.jwk()));
    provider
}

fn keys_of(provider: &Provider) -> KeySource {
    KeySource::KeySet(provider.keys_url().parse().expect("a URL"))
}

/// Moves the clock of the timers, which real connections must not see paused.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_new_key_is_read_when_a_token_names_it_and_a_withdrawn_one_is_refused() {
    let (old, new) = (key("old"), key("new"));
    let provider = provider(&[&old]).await;
    let verifier = open(&keys_of(&provider), ISSUER).await.expect("opened");
    assert!(verifier.verify(&old.sign(&claims())).await.is_ok());
    assert_eq!(
        verifier.verify(&new.sign(&claims())).await,
        Err(TokenError::UnknownKey)
    );
    // Forged ids do not make it ask again and again.
    for id in 0..20 {
        let forged = new.sign_as(&id.to_string(), &claims());
        assert_eq!(verifier.verify(&forged).await, Err(TokenError::UnknownKey));
    }
    assert_eq!(provider.reads(), 1);
    provider.publish([new.jwk()]);
    pass(Duration::from_secs(11)).await;
    assert!(verifier.verify(&new.sign(&claims())).await.is_ok());
    assert_eq!(
        verifier.verify(&old.sign(&claims())).await,
        Err(TokenError::UnknownKey)
    );
    // One key's id does not stand for another key.
    assert_eq!(
        verifier.verify(&old.sign_as("new", &claims())).await,
        Err(TokenError::Signature)
    );
}

#[tokio::test]
async fn keys_of_a_provider_that_does_not_answer_stay_valid_for_a_day() {
    let key = key("a");
    let provider = provider(&[&key]).await;
    let verifier = open(&keys_of(&provider), ISSUER).await.expect("opened");
    provider.fail();
    pass(Duration::from_hours(23)).await;
    assert!(verifier.verify(&key.sign(&claims())).await.is_ok());
    assert!(verifier.is_ready());
    pass(Duration::from_hours(2)).await;
    assert_eq!(
        verifier.verify(&key.sign(&claims())).await,
        Err(TokenError::KeysUnavailable)
    );
    assert!(!verifier.is_ready());
    provider.publish([key.jwk()]);
    pass(Duration::from_secs(11)).await;
    assert!(verifier.verify(&key.sign(&claims())).await.is_ok());
}

#[tokio::test]
async fn a_provider_is_found_by_its_issuer_and_must_name_it() {
    let key = key("a");
    let provider = provider(&[&key]).await;
    let issuer = provider.issuer();
    let source = KeySource::Provider(issuer.parse().expect("a URL"));
    let verifier = open(&source, &issuer).await.expect("opened");
    assert!(verifier.is_ready());
    // The test's tokens are of another issuer, which is judged after the signature.
    assert_eq!(
        verifier.verify(&key.sign(&claims())).await,
        Err(TokenError::NotForThisSystem("iss"))
    );
    let source = KeySource::Provider(provider.url("other").parse().expect("a URL"));
    let verifier = open(&source, "https://other.example")
        .await
        .expect("opened");
    assert!(!verifier.is_ready());
    assert_eq!(
        verifier.verify(&key.sign(&claims())).await,
        Err(TokenError::KeysUnavailable)
    );
}
