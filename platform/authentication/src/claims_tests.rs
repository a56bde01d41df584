use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{Claims, ValidFrom};
use crate::error::TokenError;
use crate::principal::{Principal, Role};
use crate::rules::TokenRules;

const NOW: i64 = 1_800_000_000;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(NOW, 0).expect("a time")
}

fn rules() -> TokenRules {
    TokenRules {
        issuer: "https://id.example".to_owned(),
        audience: "shop".to_owned(),
        roles_claim: "roles".to_owned(),
    }
}

fn valid() -> Value {
    json!({
        "iss": "https://id.example", "aud": "shop", "sub": "ada",
        "exp": NOW + 60, "nbf": NOW, "roles": ["customer"],
    })
}

/// The valid claims, with one replaced, or removed by null.
fn with(name: &str, value: Value) -> Value {
    let mut claims = valid();
    let all = claims.as_object_mut().expect("an object");
    if value.is_null() {
        all.remove(name);
    } else {
        all.insert(name.to_owned(), value);
    }
    claims
}

fn judge(claims: Value, from: ValidFrom) -> Result<Principal, TokenError> {
    let claims: Claims = serde_json::from_value(claims).expect("an object");
    claims.principal(&rules(), from, now())
}

#[test]
fn valid_claims_name_a_principal() {
    let principal = judge(valid(), ValidFrom::NotBefore).expect("valid");
    assert_eq!(principal.subject, "ada");
    assert!(principal.roles.iter().eq([Role::Customer]));
    assert_eq!(principal.expires_at, now() + TimeDelta::seconds(60));
    let audiences = with("aud", json!(["other", "shop"]));
    assert!(judge(audiences, ValidFrom::NotBefore).is_ok());
    let fraction = with("exp", json!(60.5 + 1_800_000_000.0));
    assert!(judge(fraction, ValidFrom::NotBefore).is_ok());
}

#[test]
fn each_claim_must_be_present_and_have_its_type() {
    for (name, values) in [
        (
            "iss",
            vec![json!(null), json!(1), json!(["https://id.example"])],
        ),
        (
            "aud",
            vec![
                json!(null),
                json!(1),
                json!({"shop": 1}),
                json!(["shop", 1]),
            ],
        ),
        (
            "sub",
            vec![
                json!(null),
                json!(7),
                json!(""),
                json!("x".repeat(256)),
                json!("a\u{0}"),
            ],
        ),
        (
            "exp",
            vec![
                json!(null),
                json!("1900000000"),
                json!(-1),
                json!(1e300),
                json!([]),
            ],
        ),
        ("nbf", vec![json!(null), json!("0"), json!(-1), json!({})]),
        ("iat", vec![json!("0"), json!(true)]),
    ] {
        for value in values {
            let claims = with(name, value.clone());
            let judged = judge(claims, ValidFrom::NotBefore);
            assert_eq!(judged, Err(TokenError::Claim(name)), "{name}: {value}");
        }
    }
}

#[test]
fn a_token_of_another_system_is_not_accepted() {
    for (name, value) in [
        ("iss", json!("https://id.example/")),
        ("iss", json!("")),
        ("aud", json!("Shop")),
        ("aud", json!([])),
        ("aud", json!(["other"])),
    ] {
        let judged = judge(with(name, value.clone()), ValidFrom::NotBefore);
        assert_eq!(judged, Err(TokenError::NotForThisSystem(name)), "{value}");
    }
}

#[test]
fn it_is_valid_between_its_times_with_30_seconds_for_clocks() {
    for (name, seconds, expected) in [
        ("exp", -29, None),
        ("exp", -30, Some(TokenError::Expired)),
        ("nbf", 30, None),
        ("nbf", 31, Some(TokenError::NotYetValid)),
        ("iat", 31, Some(TokenError::NotYetValid)),
    ] {
        let judged = judge(with(name, json!(NOW + seconds)), ValidFrom::NotBefore);
        assert_eq!(judged.err(), expected, "{name} {seconds}");
    }
}

#[test]
fn a_provider_may_state_when_it_issued_a_token_in_place_of_nbf() {
    let mut claims = with("nbf", json!(null));
    claims["iat"] = json!(NOW);
    assert!(judge(claims.clone(), ValidFrom::NotBeforeOrIssuedAt).is_ok());
    let judged = judge(claims.clone(), ValidFrom::NotBefore);
    assert_eq!(judged, Err(TokenError::Claim("nbf")));
    claims["iat"] = json!(null);
    assert!(judge(claims, ValidFrom::NotBeforeOrIssuedAt).is_err());
}

#[test]
fn roles_are_a_list_or_words_at_a_path_and_unknown_ones_are_ignored() {
    let roles = |path: &str, value: Value| {
        let claims: Claims = serde_json::from_value(value).expect("an object");
        claims.roles(path).iter().collect::<Vec<_>>()
    };
    assert_eq!(
        roles("scope", json!({"scope": "openid admin"})),
        [Role::Admin]
    );
    let nested = json!({"realm_access": {"roles": ["customer", "offline", 3]}});
    assert_eq!(roles("realm_access.roles", nested), [Role::Customer]);
    for other in [
        json!({}),
        json!({"roles": 1}),
        json!({"roles": {"admin": true}}),
        json!({"roles": "ADMIN"}),
    ] {
        assert!(roles("roles", other.clone()).is_empty(), "{other}");
    }
}
