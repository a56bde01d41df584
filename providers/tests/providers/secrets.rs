//! No secret is in a log, whatever goes wrong.

use http::Request;
use platform::config::Engine;
use providers::notifications::NotificationsConfig;
use providers::shipping::{HttpShippingSettings, ShippingConfig};
use providers::{ProviderSettings, Providers, Secret};
use test_log::CapturedLog;
use tower::ServiceExt;
use tracing::Level;

use crate::fake_carrier::{self, FakeCarrier, TOKEN};
use crate::fake_stripe::{FakeStripe, Fault, On, SECRET_KEY};
use crate::mail::{PASSWORD, Sink, confirmed};
use crate::stripe::stage::{GOOD_CARD, WEBHOOK_SECRET, settings};
use crate::support::{Home, charge, clock, key, shipment, soon};
use crate::webhooks::receiver::{Behaviour, Receiver};
use crate::webhooks::{self, endpoint, event, publisher};

/// Part of a URL: for some receivers it is the only credential.
const PATH: &str = "path-that-lets-in";

/// The test's runtime has one thread, which all tasks share.
#[tokio::test]
async fn no_secret_is_logged() {
    let (log, logging) = CapturedLog::from(Level::TRACE);
    let (stripe, carrier) = (FakeStripe::start().await, FakeCarrier::start().await);
    let receiver = Receiver::start(Behaviour::Status(500)).await;
    let mail = Sink::start("starttls", &["shop", PASSWORD]).await;
    let right = everything(
        &stripe.url,
        SECRET_KEY,
        &carrier.url,
        TOKEN,
        &mail,
        PASSWORD,
    );
    let wrong = everything(
        &stripe.url,
        "sk_wrong_key",
        &carrier.url,
        "wrong-token",
        &mail,
        "wrong-word",
    );
    let nowhere = &format!("http://127.0.0.1:1/{PATH}");
    let nobody = everything(nowhere, SECRET_KEY, nowhere, TOKEN, &mail, PASSWORD);
    let home = Home::new(Engine::Sqlite).await;
    for (run, settings) in [right, wrong, nobody].into_iter().enumerate() {
        let providers = Providers::from_settings(&settings, &home.database().await, &clock());
        call_all(&providers.expect("providers"), run, &stripe, &carrier).await;
    }
    for url in [nowhere, &receiver.url] {
        let (publisher, _clock) = publisher(&endpoint(url, ""));
        let _ = soon("an answer", publisher.deliver(&event(1))).await;
    }
    drop(logging);
    let text = log.text();
    assert!(
        text.contains("a webhook with an invalid signature was rejected"),
        "the log line is missing"
    );
    assert!(
        text.contains("a call to a provider failed"),
        "the log line is missing"
    );
    for secret in [
        SECRET_KEY,
        WEBHOOK_SECRET,
        TOKEN,
        PASSWORD,
        "sk_wrong_key",
        "wrong-token",
        "wrong-word",
        webhooks::SECRET,
        PATH,
    ] {
        assert!(!text.contains(secret), "{secret} is in the log");
    }
}

fn everything(
    stripe: &str,
    secret_key: &str,
    carrier: &str,
    token: &str,
    mail: &Sink,
    password: &str,
) -> ProviderSettings {
    let mut smtp = mail.starttls();
    smtp.login = Secret::parse(password).map(|password| ("shop".to_owned(), password));
    ProviderSettings {
        shipping: ShippingConfig::Http(HttpShippingSettings {
            base: carrier.to_owned(),
            token: Secret::parse(token),
            ca_file: None,
        }),
        notifications: NotificationsConfig::Smtp(smtp),
        ..settings(stripe, secret_key, GOOD_CARD)
    }
}

/// Calls every provider with and without faults. Only the log is checked.
async fn call_all(providers: &Providers, run: usize, stripe: &FakeStripe, carrier: &FakeCarrier) {
    for (n, fault) in [Fault::Lose, Fault::FailBefore, Fault::Limit]
        .into_iter()
        .enumerate()
    {
        let name = key(&format!("{run}/{n}"));
        stripe.fault(On::Confirm, fault);
        let _ = providers.payments.act(&name, &charge("o-1", 1_234)).await;
        let _ = providers.payments.look_up(&name).await;
        let _ = providers.payments.undo(&name, &charge("o-1", 1_234)).await;
        carrier.fault(fake_carrier::Fault::Lose);
        let _ = providers.shipping.act(&name, &shipment("o-1", 3)).await;
        let _ = providers.shipping.undo(&name, &shipment("o-1", 3)).await;
    }
    let notification = confirmed("anna@example.com");
    let name = key("a");
    let sending = providers.notifications.send(&name, &notification);
    let _ = soon("a mail", sending).await;
    let forged = Request::post("/webhooks/stripe")
        .header("stripe-signature", "t=1,v1=00")
        .body(axum::body::Body::empty());
    let answer = providers
        .webhooks
        .clone()
        .oneshot(forged.expect("a request"));
    assert_eq!(answer.await.expect("an answer").status().as_u16(), 400);
}
