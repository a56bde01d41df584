//! The settings of TLS.

use platform::tls::ClientTls;

use crate::support::{World, client_tls, environment, listener_tls, text};

#[test]
fn a_listener_needs_a_certificate_and_its_key() {
    let world = World::new();
    let (certificate, key) = (text(&world.server.certificate), text(&world.server.key));
    let (other, empty) = (text(&world.client.key), world.path("empty.pem"));
    std::fs::write(&empty, "").expect("written");
    let wrong = |pairs: &[(&'static str, &String)]| {
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(name, value)| (*name, (*value).clone()))
            .collect();
        listener_tls(&pairs).expect_err("invalid").to_string()
    };
    let cert = ("TLS_CERT_FILE", &certificate);
    assert_eq!(
        wrong(&[cert]),
        "TLS_KEY_FILE is not set; accepted: a path, because its certificate is set"
    );
    assert_eq!(
        wrong(&[("TLS_KEY_FILE", &key)]),
        "TLS_CERT_FILE is not set; accepted: a path, because its key is set"
    );
    assert_eq!(
        wrong(&[("TLS_CLIENT_CA_FILE", &certificate)]),
        "TLS_CERT_FILE is not set; accepted: a path, because TLS_CLIENT_CA_FILE is set"
    );
    let named = |name: &str, path: &str, reason: &str| {
        format!("{name} is {path:?} (from the environment); accepted: a file in PEM, but {reason}")
    };
    assert_eq!(
        wrong(&[cert, ("TLS_KEY_FILE", &other)]),
        named(
            "TLS_KEY_FILE",
            &other,
            &format!("it is not the key of the certificate in {certificate}")
        )
    );
    assert_eq!(
        wrong(&[("TLS_CERT_FILE", &empty), ("TLS_KEY_FILE", &key)]),
        named("TLS_CERT_FILE", &empty, "it has no certificate in PEM")
    );
    assert_eq!(
        wrong(&[cert, ("TLS_KEY_FILE", &empty)]),
        named("TLS_KEY_FILE", &empty, "it has no private key in PEM")
    );
    let missing = world.path("missing.pem");
    assert_eq!(
        wrong(&[
            cert,
            ("TLS_KEY_FILE", &key),
            ("TLS_CLIENT_CA_FILE", &missing)
        ]),
        named(
            "TLS_CLIENT_CA_FILE",
            &missing,
            "No such file or directory (os error 2)"
        )
    );
}

#[test]
fn calls_need_authorities() {
    let world = World::new();
    let own = [
        ("SERVICE_CERT_FILE", text(&world.client.certificate)),
        ("SERVICE_KEY_FILE", text(&world.client.key)),
    ];
    assert_eq!(
        client_tls(&own).expect_err("invalid").to_string(),
        "SERVICE_CA_FILE is not set; accepted: a path, because SERVICE_CERT_FILE is set"
    );
    assert!(client_tls(&[]).expect("valid").is_none());
    assert!(client_tls(&world.settings()).expect("valid").is_some());
}

#[test]
fn commands_with_the_settings_of_a_process_trust_its_certificate() {
    let world = World::new();
    let listener = [
        ("TLS_CERT_FILE", text(&world.server.certificate)),
        ("TLS_KEY_FILE", text(&world.server.key)),
    ];
    let read = |pairs: &[(&'static str, String)]| {
        let read = environment(pairs).read(ClientTls::read_for_commands);
        read.expect("valid").is_some()
    };
    assert!(read(&listener));
    assert!(read(&[("SERVICE_CA_FILE", world.path("ca.crt"))]));
    assert!(!read(&[]));
}
