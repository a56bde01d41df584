//! Keys of a provider: what its URL or its description can answer, what follows for its tokens, and what is logged.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use test_shop::{Process, Start};
use test_tokens::{KeyPair, Secrets, Token};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::run::check;
use super::table::{Answer, EntryPoint};
use super::text::Names;
use super::wire::{self, Parts};
use crate::support::binaries;

pub const JWKS: EntryPoint = EntryPoint {
    name: "JWKS",
    files: &[include_str!("cases/jwks.toml")],
};

const LISTENER: &str = "CLIENT_HTTP_ADDR";

/// A provider that answers with the bytes of a table.
struct Provider {
    url: String,
    serving: JoinHandle<()>,
}

impl Provider {
    async fn start(response: Vec<u8>) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        // Only this provider knows its URL.
        let response = match String::from_utf8(response) {
            Ok(text) => text.replace("<url>", &url).into_bytes(),
            Err(error) => error.into_bytes(),
        };
        let serving = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                // The client's head, so that closing is no reset.
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(&response).await;
            }
        });
        Ok(Self { url, serving })
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Starts a gateway that reads the keys from the response of a table, sends it a token of the tables' key, and returns the answer
/// with what the gateway logged about the keys.
async fn send(binary: &Path, secrets: &Secrets, keys: &KeyPair, case: &[u8]) -> Result<Answer> {
    let mut parts = case.splitn(2, |byte| *byte == b'\n');
    let source = parts.next().unwrap_or_default();
    let provider = Provider::start(of_http(parts.next().context("no response")?)).await?;
    let token = Token::of("ann", &["customer"]);
    let (setting, token) = match source {
        b"keys" => (("AUTH_JWKS_URL", format!("{}/keys", provider.url)), token),
        b"description" => (
            ("AUTH_ISSUER", provider.url.clone()),
            token.with("iss", &*provider.url),
        ),
        _ => bail!("no source of keys {:?}", String::from_utf8_lossy(source)),
    };
    let gateway = gateway(binary, secrets, setting).await?;
    let address = gateway.address(LISTENER)?;
    let token = keys.sign(&token);
    let request =
        format!("GET /graphql?query={{__typename}} HTTP/1.1\nauthorization: Bearer {token}");
    let bytes = Parts::of(request.as_bytes()).bytes(address);
    let mut answer = wire::send(address, &bytes).await?.answer()?;
    if let Some(reason) = logged(&gateway.log()) {
        let reason = reason.replace(&provider.url, "URL");
        answer.message = format!("{} (logged: {reason})", answer.message);
    }
    Ok(answer)
}

/// A gateway without services, which a query of the schema does not need.
async fn gateway(binary: &Path, secrets: &Secrets, setting: (&str, String)) -> Result<Process> {
    let start = Start::listening(&[LISTENER]).with(secrets.service_settings());
    let start = start.with([setting]);
    Process::serve(binary, &start).await
}

/// The bytes of a response that a table has with the ends of its lines alone.
fn of_http(response: &[u8]) -> Vec<u8> {
    let parts = Parts::of(response);
    let mut head = parts.first.to_vec();
    for header in &parts.headers {
        head.extend(b"\r\n");
        head.extend(*header);
    }
    [&head[..], b"\r\nconnection: close\r\n\r\n", parts.body].concat()
}

/// Why the keys could not be read, if so.
fn logged(log: &str) -> Option<String> {
    let mut entries = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let is_failure = |entry: &Value| entry["message"] == "the keys of tokens could not be read";
    let entry = entries.find(is_failure)?;
    entry["error.cause"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn bad_keys_are_rejected_as_the_table_says() -> Result<()> {
    let (secrets, keys) = (Secrets::create()?, KeyPair::generate("first")?);
    let binary = binaries().await?.path("client-service")?;
    let other = KeyPair::generate("first")?;
    let jwk = keys.jwk();
    let x = jwk["x"].as_str().context("no x")?;
    let names = Names::default()
        .with("key", jwk.to_string())
        .with("another key", other.jwk().to_string())
        .with("x", x);
    check(&JWKS.cases()?, &names, &async |request: Vec<u8>| {
        send(binary, &secrets, &keys, &request).await
    })
    .await
}
