//! The attacks.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use test_shop::{ClientTls, Connection, Duplex, Request, connect};
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, interval, timeout};

use super::http2;

/// How long a slow attack sends one byte a second, unless its connection is closed before.
const SLOW: Duration = Duration::from_secs(35);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
const ALIASES: usize = 1_000;
const DIRECTIVES: usize = 2_000;
const LEVELS: usize = 2_000;
const BODY_BYTES: usize = 1_000_000;
const RESETS: u32 = 2_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Aliases,
    Directives,
    Levels,
    Body,
    Token,
    SlowHead,
    SlowBody,
    /// Calls of the command-service that are cancelled as soon as they are made (CVE-2023-44487).
    CallResets,
    /// The same with requests of the gateway, which speaks HTTP/2 over TLS alone.
    RequestResets,
    SlowHandshake,
    SlowHttp2Body,
}

/// The last [`OVER_TLS`] are possible with TLS alone.
const KINDS: [Kind; 11] = [
    Kind::Aliases,
    Kind::Directives,
    Kind::Levels,
    Kind::Body,
    Kind::Token,
    Kind::SlowHead,
    Kind::SlowBody,
    Kind::CallResets,
    Kind::RequestResets,
    Kind::SlowHandshake,
    Kind::SlowHttp2Body,
];
const OVER_TLS: usize = 3;

#[derive(Clone, Debug)]
pub struct Attacker {
    gateway: SocketAddr,
    command: SocketAddr,
    tls: Option<ClientTls>,
}

impl Attacker {
    pub const fn new(gateway: SocketAddr, command: SocketAddr, tls: Option<ClientTls>) -> Self {
        Self {
            gateway,
            command,
            tls,
        }
    }

    /// The attacks that are possible.
    pub fn kinds(&self) -> &'static [Kind] {
        if self.tls.is_some() {
            &KINDS
        } else {
            &KINDS[..KINDS.len() - OVER_TLS]
        }
    }

    /// Attacks once.
    ///
    /// # Errors
    /// The attack was not rejected.
    pub async fn attack(&self, kind: Kind) -> Result<()> {
        match kind {
            Kind::Aliases => {
                let field = |number| format!("a{number}: categories {{ id products {{ id }} }} ");
                let fields: Vec<String> = (0..ALIASES).map(field).collect();
                let fields = fields.concat();
                self.query(&format!("{{ {fields} }}"), &[400]).await
            }
            Kind::Directives => {
                let directives = "@skip(if: false) ".repeat(DIRECTIVES);
                let query = format!("{{ categories {directives} {{ id }} }}");
                self.query(&query, &[400]).await
            }
            Kind::Levels => {
                let (open, close) = ("category { products {".repeat(LEVELS), "} }".repeat(LEVELS));
                let query = format!("{{ products {{ {open} id {close} }} }}");
                self.query(&query, &[400]).await
            }
            Kind::Body => self.query(&" ".repeat(BODY_BYTES), &[413]).await,
            Kind::Token => {
                let forged = "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZG1pbiJ9.c2lnbmF0dXJl";
                let request = query("{ categories { id } }").with_header("authorization", forged);
                self.send(&request, &[401]).await
            }
            Kind::SlowHead => self.trickle("GET /graphql HTTP/1.1\r\nhost: ").await,
            Kind::SlowBody => {
                let head = "POST /graphql HTTP/1.1\r\nhost: localhost\r\n\
                            content-type: application/json\r\ncontent-length: 1000\r\n\r\n";
                self.trickle(head).await
            }
            Kind::CallResets => self.reset(self.command).await,
            Kind::RequestResets => self.reset(self.gateway).await,
            Kind::SlowHandshake => self.silence().await,
            Kind::SlowHttp2Body => self.trickle_http2().await,
        }
    }

    async fn query(&self, text: &str, expected: &[u16]) -> Result<()> {
        self.send(&query(text), expected).await
    }

    async fn send(&self, request: &Request, expected: &[u16]) -> Result<()> {
        let mut connection = Connection::open_with(self.gateway, self.tls.as_ref()).await?;
        // A body that is too long is rejected before it is read, which may end the connection before the answer is.
        let Ok(reply) = timeout(ANSWER_TIMEOUT, connection.send(request)).await? else {
            ensure!(expected == [413], "the connection ended");
            return Ok(());
        };
        let status = reply.status.as_u16();
        // Without a media type of GraphQL a rejected document has the status 200.
        let is_rejected = status == 200 && reply.json()?["data"].is_null();
        ensure!(
            expected.contains(&status) || expected == [400] && is_rejected,
            "{status} instead of {expected:?}"
        );
        Ok(())
    }

    /// Sends one byte a second until the gateway closes the connection.
    async fn trickle(&self, begin: &str) -> Result<()> {
        let mut stream = self.connect(self.gateway, "http/1.1").await?;
        stream.write_all(begin.as_bytes()).await?;
        stream.flush().await?;
        let end = Instant::now() + SLOW;
        let mut pace = interval(Duration::from_secs(1));
        while Instant::now() < end {
            tokio::select! {
                _ = pace.tick() => if send(&mut stream, b"x").await.is_err() {
                    return Ok(());
                },
                read = stream.read_u8() => if read.is_err() {
                    return Ok(());
                },
            }
        }
        anyhow::bail!("the connection was not closed");
    }

    /// Begins a handshake of TLS and sends nothing of it.
    async fn silence(&self) -> Result<()> {
        let mut stream = connect(self.gateway, None, "").await?;
        let mut answer = Vec::new();
        let _ = timeout(SLOW, stream.read_to_end(&mut answer)).await?;
        Ok(())
    }

    /// Sends one byte of a body a second until the gateway responds.
    async fn trickle_http2(&self) -> Result<()> {
        let (read, mut write) = tokio::io::split(self.connect(self.gateway, "h2").await?);
        let begin = http2::bodyless(&self.gateway.to_string());
        let slow = async {
            let mut pace = interval(Duration::from_secs(1));
            let mut sent = send(&mut write, &begin).await;
            while sent.is_ok() {
                pace.tick().await;
                sent = send(&mut write, &http2::body_byte()).await;
            }
            std::future::pending().await
        };
        tokio::select! {
            answered = timeout(SLOW, http2::answered(read)) => answered?,
            never = slow => never,
        }
    }

    /// Makes and cancels requests until the server closes the connection.
    async fn reset(&self, server: SocketAddr) -> Result<()> {
        let (mut read, mut write) = tokio::io::split(self.connect(server, "h2").await?);
        let bytes = http2::rapid_resets(RESETS, &self.gateway.to_string());
        let cancel = async {
            // The server closes the connection at its limit, so not all of it may be sent.
            let _ = send(&mut write, &bytes).await;
            let _ = write.shutdown().await;
        };
        let mut answer = Vec::new();
        let both = async { tokio::join!(cancel, read.read_to_end(&mut answer)) };
        let _ = timeout(ANSWER_TIMEOUT, both).await?;
        Ok(())
    }

    async fn connect(&self, server: SocketAddr, protocol: &str) -> Result<Box<dyn Duplex>> {
        connect(server, self.tls.as_ref(), protocol).await
    }
}

async fn send(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> Result<()> {
    stream.write_all(bytes).await?;
    Ok(stream.flush().await?)
}

fn query(text: &str) -> Request {
    Request::post_json("/graphql", json!({ "query": text }).to_string())
}
