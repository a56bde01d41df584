//! Calls over HTTP: each is sent once, to the configured host, and a failure states whether anything was sent.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use domain::value::TrackingNumber;
use platform::config::Engine;
use providers::shipping::{HttpShippingSettings, ShippingConfig};
use providers::{ProviderSettings, Providers};
use sagas::CallError;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::{Home, clock, key, shipment, soon};

/// The first byte of a connection with TLS.
const TLS_HANDSHAKE: u8 = 0x16;

/// Set if the test below runs in its own process.
const INNER: &str = "PROVIDERS_TEST_INNER";

/// A server that reads the request of each connection, writes the same answer, and closes it.
struct Server {
    address: String,
    connections: Arc<AtomicUsize>,
}

impl Server {
    async fn start(answer: impl Into<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let (answer, connections) = (answer.into(), Arc::<AtomicUsize>::default());
        let seen = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                seen.fetch_add(1, Ordering::SeqCst);
                let mut request = Vec::new();
                // A request ends with its JSON; a TLS handshake is not read to its end.
                while !request.ends_with(b"}") && !request.starts_with(&[TLS_HANDSHAKE]) {
                    match connection.read_buf(&mut request).await {
                        Ok(1..) => {}
                        Ok(0) | Err(_) => break,
                    }
                }
                // The other side may have stopped reading.
                let _ = connection.write_all(&answer).await;
            }
        });
        Self {
            address,
            connections,
        }
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    async fn arrange(&self) -> Result<TrackingNumber, CallError> {
        arrange(&format!("http://{}", self.address)).await
    }
}

async fn arrange(url: &str) -> Result<TrackingNumber, CallError> {
    let home = Home::new(Engine::Sqlite).await;
    let settings = ProviderSettings {
        shipping: ShippingConfig::Http(HttpShippingSettings {
            base: url.to_owned(),
            token: None,
            ca_file: None,
        }),
        ..ProviderSettings::default()
    };
    let providers = Providers::from_settings(&settings, &home.database().await, &clock());
    let shipping = providers.expect("providers").shipping;
    let (key, shipment) = (key("a"), shipment("o-1", 3));
    soon("an answer", shipping.act(&key, &shipment)).await
}

fn with_length(length: usize, body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}")
}

fn arranged() -> String {
    let body = r#"{"tracking_number":"HERE-1"}"#;
    with_length(body.len(), body)
}

fn unknown(reason: &str) -> Result<TrackingNumber, CallError> {
    Err(CallError::unknown(reason))
}

#[tokio::test]
async fn a_request_without_an_answer_is_unknown_and_not_repeated() {
    let lost = Server::start("").await;
    let reason = "the connection to the provider was lost";
    assert_eq!(lost.arrange().await, unknown(reason));
    assert_eq!(lost.connections(), 1);
    let broken = Server::start(with_length(100, "{")).await;
    let reason = "the provider's answer is incomplete";
    assert_eq!(broken.arrange().await, unknown(reason));
    assert_eq!(broken.connections(), 1);
}

#[tokio::test]
async fn a_request_that_could_not_be_sent_is_transient() {
    let transient = Err(CallError::transient("the provider cannot be reached"));
    assert_eq!(arrange("http://127.0.0.1:1").await, transient);
    // This top-level domain is reserved and never resolves.
    assert_eq!(arrange("http://carrier.invalid").await, transient);
    // It does not speak TLS.
    let plain = Server::start("}").await;
    let url = format!("https://{}", plain.address);
    assert_eq!(arrange(&url).await, transient);
}

#[tokio::test]
async fn a_too_large_answer_is_not_read() {
    let space = " ".repeat(257 * 1024);
    let large = format!("{space}{}", r#"{"tracking_number":"HERE-1"}"#);
    let server = Server::start(with_length(large.len(), &large)).await;
    let reason = "the provider's answer is incomplete";
    assert_eq!(server.arrange().await, unknown(reason));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Server::start(arranged()).await;
    for status in [301, 302, 303, 307, 308] {
        let location = format!("http://{}/", elsewhere.address);
        let redirect = format!(
            "HTTP/1.1 {status} Elsewhere\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n"
        );
        let server = Server::start(redirect).await;
        let reason = format!("the carrier failed ({status})");
        assert_eq!(server.arrange().await, unknown(&reason));
    }
    assert_eq!(elsewhere.connections(), 0);
}

/// Runs in its own process, because every client of a process reads these variables.
#[tokio::test]
async fn a_proxy_of_the_environment_is_not_used() {
    const PROXIES: [&str; 3] = ["http_proxy", "HTTP_PROXY", "ALL_PROXY"];
    if std::env::var_os(INNER).is_some() {
        let carrier = Server::start(arranged()).await;
        let arranged = carrier.arrange().await.expect("arranged");
        assert_eq!(arranged.as_str(), "HERE-1");
        return;
    }
    let proxy = Server::start(arranged()).await;
    let url = format!("http://{}", proxy.address);
    let mut inner = Command::new(std::env::current_exe().expect("this program"));
    inner
        .args([
            "http_client::a_proxy_of_the_environment_is_not_used",
            "--exact",
        ])
        .env(INNER, "1")
        .envs(PROXIES.map(|name| (name, &url)));
    let output = tokio::task::spawn_blocking(move || inner.output());
    let output = output.await.expect("no panic").expect("it runs");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && printed.contains("1 passed"),
        "{printed}"
    );
    assert_eq!(proxy.connections(), 0);
}
