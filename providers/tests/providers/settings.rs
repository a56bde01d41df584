//! The URLs: what they select, what is rejected, and what errors show of them.

use std::time::Duration;

use domain::value::Money;
use platform::config::{ConfigErrors, Settings};
use providers::ProviderSettings;
use providers::notifications::{NotificationsConfig, SmtpTls};
use providers::payments::PaymentsConfig;
use providers::shipping::ShippingConfig;
use providers::simulated::SimulationConfig;
use sagas::{InvalidKey, OperationKey};

const KEY: &str = "sk_test_51verysecretkeyofouraccount";
const HOOK: &str = "whsec_anotherverysecrettext";
const PASSWORD: &str = "correct-horse-battery";

fn read(pairs: &[(&str, &str)]) -> Result<ProviderSettings, ConfigErrors> {
    let settings = Settings::from_environment(pairs.iter().copied());
    assert_hides(&format!("{settings:?}"));
    settings.read(ProviderSettings::read)
}

#[track_caller]
fn assert_hides(text: &str) {
    for secret in [KEY, HOOK, PASSWORD] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[track_caller]
fn rejected(pairs: &[(&str, &str)], expected: &[&str]) {
    let error = read(pairs).expect_err("it is rejected").to_string();
    assert_hides(&error);
    assert_eq!(error.lines().count(), 1, "{error}");
    for part in expected {
        assert!(error.contains(part), "{part:?} is not in: {error}");
    }
}

#[test]
fn without_settings_all_providers_are_simulated() {
    let settings = read(&[]).expect("defaults");
    let PaymentsConfig::Simulated(config) = &settings.payments else {
        panic!("{settings:?}");
    };
    assert_eq!(*config, SimulationConfig::default());
    assert!(matches!(settings.shipping, ShippingConfig::Simulated(_)));
    assert!(matches!(settings.notifications, NotificationsConfig::Log));
}

#[test]
fn a_simulated_provider_takes_its_parameters() {
    let url = "simulated://?decline_over=99.50&fail_rate=0.25&latency_ms=20&timeout_rate=1\
               &unavailable_rate=0.5&duplicate_rate=0.1";
    let settings = read(&[
        ("PAYMENTS_URL", url),
        ("SHIPPING_URL", "simulated://?fail_rate=1"),
    ]);
    let settings = settings.expect("settings");
    let PaymentsConfig::Simulated(config) = &settings.payments else {
        panic!("{settings:?}");
    };
    assert_eq!(config.decline_over, Some(Money::from_cents(9_950)));
    assert_eq!(config.latency, Duration::from_millis(20));
    let share = |rate: providers::simulated::Rate| format!("{}", rate.share());
    assert_eq!(share(config.fail_rate), "0.25");
    assert_eq!(share(config.timeout_rate), "1");
    assert_eq!(share(config.unavailable_rate), "0.5");
    assert_eq!(share(config.duplicate_rate), "0.1");
}

#[test]
fn an_invalid_url_is_rejected_with_what_is_accepted() {
    let payments = |url| [("PAYMENTS_URL", url)];
    let schemes = ["PAYMENTS_URL is ", "simulated:// or stripe+https://HOST"];
    rejected(&payments("paypal://"), &schemes);
    rejected(&payments("simulated"), &schemes);
    rejected(&payments("https://api.stripe.com"), &schemes);
    rejected(
        &payments("simulated://?fail_rate=2"),
        &[
            "\"simulated://?fail_rate=2\"",
            "fail_rate as a number from 0 to 1",
        ],
    );
    rejected(&payments("simulated://?latency_ms=-1"), &["0 to 600000"]);
    rejected(
        &payments("simulated://?decline_over=1.005"),
        &["decline_over as an amount"],
    );
    rejected(
        &payments("simulated://?fail_rat=1"),
        &["the parameters decline_over, fail_rate"],
    );
    rejected(
        &payments("simulated://?fail_rate=0&fail_rate=1"),
        &["fail_rate once"],
    );
    rejected(&payments("simulated://bank"), &["without a host"]);
    rejected(
        &[("SHIPPING_URL", "http://carrier.example")],
        &["http://LOOPBACK on this machine only"],
    );
    rejected(
        &[("SHIPPING_URL", "https://h?x=1")],
        &["the parameters ca_file"],
    );
    for somewhere in ["log://host", "log:///path"] {
        rejected(
            &[("NOTIFICATIONS_URL", somewhere)],
            &["log:// without a host and a path"],
        );
    }
    rejected(
        &[("NOTIFICATIONS_URL", "log://?a=b")],
        &["log:// without parameters"],
    );
    rejected(
        &[("NOTIFICATIONS_URL", "smtp://mail.example")],
        &["from as a mail address"],
    );
    rejected(
        &[(
            "NOTIFICATIONS_URL",
            "smtp://mail.example?from=a@b.example&tls=none",
        )],
        &["on this machine with tls=none"],
    );
}

#[test]
fn stripe_needs_its_key_and_hides_it() {
    let url = ("PAYMENTS_URL", "stripe+https://api.stripe.com");
    rejected(
        &[url],
        &["STRIPE_SECRET_KEY is not set", "STRIPE_SECRET_KEY_FILE"],
    );
    let settings = read(&[
        url,
        ("STRIPE_SECRET_KEY", KEY),
        ("STRIPE_WEBHOOK_SECRET", HOOK),
    ]);
    let settings = settings.expect("settings");
    assert_hides(&format!("{settings:?}"));
    let PaymentsConfig::Stripe(stripe) = &settings.payments else {
        panic!("{settings:?}");
    };
    assert_eq!(stripe.base, "https://api.stripe.com");
    assert_eq!(stripe.secret_key.reveal(), KEY);
    assert_eq!(
        (stripe.currency.as_str(), stripe.payment_method.as_str()),
        ("usd", "pm_card_visa")
    );
    rejected(
        &[url, ("STRIPE_SECRET_KEY", "a\nb")],
        &["STRIPE_SECRET_KEY is \"***\""],
    );
    let key = ("STRIPE_SECRET_KEY", KEY);
    let on = |url| [("PAYMENTS_URL", url), key];
    rejected(
        &on("stripe+http://api.stripe.com"),
        &["LOOPBACK on this machine only"],
    );
    rejected(
        &on("stripe+https://h?currency=jpy"),
        &["a currency with cents"],
    );
    rejected(&on("stripe+https://h/v1"), &["without a path"]);
    let in_url = format!("stripe+https://{KEY}@api.stripe.com");
    rejected(
        &on(&in_url),
        &["***@api.stripe.com", "the key goes into STRIPE_SECRET_KEY"],
    );
    rejected(&on(KEY), &["PAYMENTS_URL is \"***\""]);
    let local = read(&on("stripe+http://127.0.0.1:4242")).expect("settings");
    let PaymentsConfig::Stripe(stripe) = &local.payments else {
        panic!("{local:?}");
    };
    assert_eq!(stripe.base, "http://127.0.0.1:4242");
}

#[test]
fn a_secret_can_be_read_from_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("key");
    std::fs::write(&path, format!("{KEY}\n")).expect("a file");
    let path = path.to_str().expect("a path");
    let url = ("PAYMENTS_URL", "stripe+https://api.stripe.com");
    let settings = read(&[url, ("STRIPE_SECRET_KEY_FILE", path)]).expect("settings");
    let PaymentsConfig::Stripe(stripe) = &settings.payments else {
        panic!("{settings:?}");
    };
    assert_eq!(stripe.secret_key.reveal(), KEY);
    rejected(
        &[url, ("STRIPE_SECRET_KEY_FILE", "/nowhere/key")],
        &[
            "STRIPE_SECRET_KEY_FILE is \"/nowhere/key\"",
            "cannot be read",
        ],
    );
    rejected(
        &[
            url,
            ("STRIPE_SECRET_KEY_FILE", path),
            ("STRIPE_SECRET_KEY", KEY),
        ],
        &["STRIPE_SECRET_KEY is given too"],
    );
}

#[test]
fn a_mail_server_has_tls_unless_it_is_on_this_machine() {
    let smtp = |url: &str, password: Option<&str>| {
        let mut pairs = vec![("NOTIFICATIONS_URL", url)];
        pairs.extend(password.map(|password| ("SMTP_PASSWORD", password)));
        let settings = read(&pairs).expect("settings");
        assert_hides(&format!("{settings:?}"));
        match settings.notifications {
            NotificationsConfig::Smtp(smtp) => smtp,
            NotificationsConfig::Log => panic!("{url} is mail"),
        }
    };
    let plain = smtp("smtp://mail.example?from=shop@example.com", None);
    assert_eq!((plain.port, plain.tls), (587, SmtpTls::StartTls));
    let wrapped = smtp(
        "smtps://mail.example?from=shop@example.com&to=desk@example.com",
        None,
    );
    assert_eq!((wrapped.port, wrapped.tls), (465, SmtpTls::Wrapped));
    assert!(wrapped.to.is_some());
    let local = smtp("smtp://127.0.0.1:2525?from=shop@example.com&tls=none", None);
    assert_eq!((local.port, local.tls), (2525, SmtpTls::None));
    let user = smtp(
        "smtp://me%40here@mail.example?from=a@b.example",
        Some(PASSWORD),
    );
    let (name, password) = user.login.expect("a login");
    assert_eq!((name.as_str(), password.reveal()), ("me@here", PASSWORD));
    let url = format!("smtp://me:{PASSWORD}@mail.example?from=a@b.example");
    assert_eq!(
        smtp(&url, None).login.expect("a login").1.reveal(),
        PASSWORD
    );
    rejected(
        &[("NOTIFICATIONS_URL", &format!("{url}&x=1"))],
        &["***@mail.example", "the parameters tls, from, to, ca_file"],
    );
    rejected(
        &[(
            "NOTIFICATIONS_URL",
            "smtp://me@mail.example?from=a@b.example",
        )],
        &["a user with a password"],
    );
}

#[test]
fn a_key_fits_into_any_header() {
    let longest = "k".repeat(200);
    for good in ["a", "019b/process_payment/1", longest.as_str()] {
        assert_eq!(
            OperationKey::try_new(good).map(|key| key.to_string()),
            Ok(good.to_owned())
        );
    }
    for bad in ["", "a b", "a\r\nb", "ä", "\u{7f}", &"k".repeat(201)] {
        let error: InvalidKey = OperationKey::try_new(bad).expect_err(bad);
        assert!(error.to_string().contains("1 to 200"), "{error}");
    }
}
