//! The `healthcheck` subcommand, for container images, which have neither a shell nor curl.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use super::StartError;
use crate::health::{HEALTH, READY};
use crate::tls::ClientTls;

const TIMEOUT: Duration = Duration::from_secs(5);
/// Enough for the status line and a report of many components.
const MAX_ANSWER_BYTES: u64 = 64 * 1024;

/// Requests `/health/ready` from the process at `listener`, with TLS or without, and prints the response.
///
/// # Errors
/// The process does not respond with 200 within five seconds.
#[must_use]
pub fn healthcheck(
    listener: SocketAddr,
    tls: Option<ClientTls>,
) -> BoxFuture<'static, Result<(), StartError>> {
    healthcheck_at(reachable(listener).to_string(), tls)
}

/// Like [`healthcheck`], for a remote process: `address` is its host and port.
///
/// # Errors
/// The process does not respond with 200 within five seconds.
#[must_use]
pub fn healthcheck_at(
    address: String,
    tls: Option<ClientTls>,
) -> BoxFuture<'static, Result<(), StartError>> {
    Box::pin(check(address, tls))
}

async fn check(address: String, tls: Option<ClientTls>) -> Result<(), StartError> {
    let scheme = if tls.is_some() { "https" } else { "http" };
    let what = format!("ask {scheme}://{address}{READY}");
    let answer = ask(&address, READY, tls.as_ref()).await;
    let answer = answer.map_err(|error| StartError::failed(&what, error))?;
    let (head, body) = parts(&answer);
    println!("{body}");
    if head.split_whitespace().nth(1) == Some("200") {
        return Ok(());
    }
    let status = head.lines().next().unwrap_or("an empty answer");
    Err(StartError::failed(what, status.to_owned()))
}

/// The report of `/health` of the process at `address`, its host and port. It is the same whether the process is healthy or not.
///
/// # Errors
/// The process does not respond within five seconds.
pub async fn health_report(address: &str, tls: Option<&ClientTls>) -> std::io::Result<String> {
    let answer = ask(address, HEALTH, tls).await?;
    Ok(parts(&answer).1.to_owned())
}

/// The head of an answer, and its body.
fn parts(answer: &str) -> (&str, &str) {
    answer.split_once("\r\n\r\n").unwrap_or((answer, ""))
}

/// The address at which a listener can be reached; for one on all addresses this is loopback.
#[must_use]
pub fn reachable(listener: SocketAddr) -> SocketAddr {
    let ip = match listener.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        other => other,
    };
    SocketAddr::new(ip, listener.port())
}

async fn ask(address: &str, path: &str, tls: Option<&ClientTls>) -> std::io::Result<String> {
    let asking = async {
        let stream = TcpStream::connect(address).await?;
        let Some(tls) = tls else {
            return ask_over(stream, address, path).await;
        };
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
        let stream = tls.connect(host, stream, &["http/1.1"]).await?;
        ask_over(stream, address, path).await
    };
    let answer = tokio::time::timeout(TIMEOUT, asking).await;
    answer.unwrap_or_else(|_| Err(std::io::Error::other("no answer within five seconds")))
}

async fn ask_over(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    address: &str,
    path: &str,
) -> std::io::Result<String> {
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream
        .take(MAX_ANSWER_BYTES)
        .read_to_string(&mut answer)
        .await?;
    Ok(answer)
}
