//! `shop token`: what it prints, and which values it rejects.

use std::process::{Command, Output};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use test_tokens::Secrets;

fn token(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_shop"))
        .arg("token")
        .args(arguments)
        .env_clear()
        .envs(variables.iter().copied())
        .output()
        .expect("the binary runs")
}

/// The claims of the token that is printed, and for how many seconds it is valid.
fn claims(arguments: &[&str], variables: &[(&str, &str)]) -> (Value, i64) {
    let output = token(arguments, variables);
    let text = String::from_utf8(output.stdout).expect("text");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && errors.is_empty(), "{errors}");
    assert_eq!(text.lines().count(), 1, "{text}");
    let claims = text.trim().split('.').nth(1).expect("claims");
    let claims = URL_SAFE_NO_PAD.decode(claims).expect("base64");
    let mut claims: Value = serde_json::from_slice(&claims).expect("JSON");
    let [from, until] = ["nbf", "exp"].map(|name| claims[name].take().as_i64().expect(name));
    assert_eq!(claims["iat"].take(), json!(from));
    let claims = claims.as_object().expect("an object").clone().into_iter();
    let claims = claims.filter(|(_, value)| !value.is_null());
    (claims.collect(), until - from)
}

#[test]
fn a_token_states_the_user_the_roles_and_the_time() {
    let secrets = Secrets::create().expect("secrets");
    let secret = [secrets.token_setting()];
    let expected =
        json!({"iss": "rust-cqrs", "aud": "rust-cqrs", "sub": "ada", "roles": ["customer"]});
    assert_eq!(claims(&["--user", "ada"], &secret), (expected, 3_600));
    let both = [
        "--user",
        "\u{e5}sa b",
        "--role",
        "admin",
        "--role",
        "customer",
        "--minutes",
        "5",
    ];
    let settings = [
        secret[0],
        ("AUTH_ISSUER", "https://id.example"),
        ("AUTH_AUDIENCE", "shop"),
        ("AUTH_ROLES_CLAIM", "realm_access.roles"),
    ];
    let expected = json!({"iss": "https://id.example", "aud": "shop", "sub": "\u{e5}sa b",
        "realm_access": {"roles": ["admin", "customer"]}});
    assert_eq!(claims(&both, &settings), (expected, 300));
    // The same by flags.
    let flags = [
        "--user",
        "ada",
        "--role",
        "admin",
        "--auth-jwt-secret-file",
        secret[0].1,
    ];
    let expected =
        json!({"iss": "rust-cqrs", "aud": "rust-cqrs", "sub": "ada", "roles": ["admin"]});
    assert_eq!(claims(&flags, &[]).0, expected);
}

#[test]
fn wrong_values_are_rejected() {
    let secrets = Secrets::create().expect("secrets");
    let short = secrets.file("short", "too short\n").expect("a file");
    let long = "x".repeat(256);
    let secret = secrets.token_setting();
    let name = secret.0;
    let ada = &["--user", "ada"][..];
    for (arguments, setting, expected) in [
        (&[][..], secret, "--user <ID>"),
        (
            &["--user", ""],
            secret,
            "must be 1 to 255 characters, got 0",
        ),
        (
            &["--user", &long],
            secret,
            "must be 1 to 255 characters, got 256",
        ),
        (
            &["--user", "ada", "--role", "root"],
            secret,
            "[possible values: admin, customer]",
        ),
        (
            &["--user", "ada", "--minutes", "0"],
            secret,
            "0 is not in 1..=527040",
        ),
        (
            &["--user", "ada", "--minutes", "527041"],
            secret,
            "527041 is not in 1..=527040",
        ),
        (
            ada,
            ("LOGNAME", "ada"),
            "error: AUTH_JWT_SECRET_FILE is not set",
        ),
        (ada, (name, &short), "has 9 bytes"),
        (
            ada,
            (name, "/nonexistent/secret"),
            "error: AUTH_JWT_SECRET_FILE is \"/nonexistent/secret\"",
        ),
    ] {
        let output = token(arguments, &[setting]);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {errors}");
        assert!(
            errors.contains(expected),
            "{expected:?} is not in: {errors}"
        );
        assert!(!errors.contains("too short"), "{errors}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}
