//! Tests with localstripe, an independent fake of Stripe: requests and answers have Stripe's shape. It ignores idempotency
//! keys, so nothing is repeated here that must not be executed twice.

use std::path::Path;
use std::sync::Arc;

use axum::middleware::map_response;
use axum::response::Response;
use event_sourcing::SystemClock;
use platform::Tasks;
use platform::config::Engine;
use platform::runtime::HttpListener;
use sagas::{CallError, CompensationResult, OperationStatus};
use test_python::Script;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::guarantees::{self, Charges};
use crate::stripe::stage::{GOOD_CARD, WEBHOOK_SECRET, payments, providers_with};
use crate::support::{Home, charge, key, on_both_engines, soon};

async fn localstripe() -> (Script, String) {
    let script =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/providers/foreign/serve_localstripe.py");
    let mut script = Script::start(&script, &[]).await.expect("localstripe");
    let url = script.line().await.expect("its URL");
    (script, url)
}

#[tokio::test]
async fn payments_fulfil_the_contract_of_the_port() {
    on_both_engines(async |home| {
        let (_script, url) = localstripe().await;
        let payments = payments(home, &url, GOOD_CARD).await;
        guarantees::all(&Charges(&*payments)).await;
    })
    .await;
}

#[tokio::test]
async fn a_declined_card_is_declined_permanently() {
    on_both_engines(async |home| {
        let (_script, url) = localstripe().await;
        let payments = payments(home, &url, "pm_card_chargeCustomerFail").await;
        let order = charge("o-1", 1_234);
        let declined = payments.act(&key("a"), &order).await;
        let reason = "Your card was declined.".to_owned();
        assert_eq!(declined, Err(CallError::Declined(reason.clone())));
        assert_eq!(payments.act(&key("a"), &order).await, declined);
        assert_eq!(
            payments.look_up(&key("a")).await,
            Ok(OperationStatus::Declined(reason))
        );
        assert_eq!(
            payments.undo(&key("a"), &order).await,
            Ok(CompensationResult::NOTHING)
        );
        assert_eq!(
            payments.look_up(&key("a")).await,
            Ok(OperationStatus::Compensated)
        );
    })
    .await;
}

#[tokio::test]
async fn a_wrong_url_is_transient() {
    on_both_engines(async |home| {
        let (_script, url) = localstripe().await;
        let payments = payments(home, &format!("{url}/elsewhere"), GOOD_CARD).await;
        let failed = payments.act(&key("a"), &charge("o-1", 1_234)).await;
        assert!(
            matches!(failed, Err(CallError::Transient { .. })),
            "{failed:?}"
        );
    })
    .await;
}

/// localstripe sends events about customers only, which are unknown here; the test checks that they are accepted.
#[tokio::test]
async fn its_webhooks_are_accepted() {
    let (_script, url) = localstripe().await;
    let home = Home::new(Engine::Sqlite).await;
    let clock = Arc::new(SystemClock);
    let providers = providers_with(&home, &url, GOOD_CARD, clock).await;
    let (answered, mut answers) = mpsc::unbounded_channel();
    let router = providers
        .webhooks
        .clone()
        .layer(map_response(move |answer: Response| {
            answered.send(answer.status()).expect("the test listens");
            std::future::ready(answer)
        }));
    let any_port = "127.0.0.1:0".parse().expect("an address");
    let listener = HttpListener::bind("webhooks", any_port).await;
    let listener = listener.expect("a port");
    let own = format!("http://{}/webhooks/stripe", listener.address());
    let tasks = Tasks::new();
    listener.serve(router, &tasks);
    for (secret, status) in [(WEBHOOK_SECRET, 200), ("whsec_another", 400)] {
        post(
            &url,
            "/_config/webhooks/shop",
            &[("url", &own), ("secret", secret)],
        )
        .await;
        post(&url, "/v1/customers", &[("name", "Anna")]).await;
        let answer = soon("the webhook", answers.recv()).await;
        assert_eq!(answer.expect("an answer").as_u16(), status, "{secret}");
    }
}

async fn post(url: &str, path: &str, form: &[(&str, &str)]) {
    let address = url.trim_start_matches("http://");
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .finish();
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer sk_test_12345\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream
        .write_all(request.as_bytes())
        .await
        .expect("it is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}
