//! The attacks.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use test_shop::{Connection, Request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, interval, timeout};

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
    /// Calls that are cancelled as soon as they are made (CVE-2023-44487).
    Resets,
}

pub const KINDS: [Kind; 8] = [
    Kind::Aliases,
    Kind::Directives,
    Kind::Levels,
    Kind::Body,
    Kind::Token,
    Kind::SlowHead,
    Kind::SlowBody,
    Kind::Resets,
];

#[derive(Clone, Copy, Debug)]
pub struct Attacker {
    gateway: SocketAddr,
    command: SocketAddr,
}

impl Attacker {
    pub const fn new(gateway: SocketAddr, command: SocketAddr) -> Self {
        Self { gateway, command }
    }

    /// Attacks once.
    ///
    /// # Errors
    /// The attack was not rejected.
    pub async fn attack(self, kind: Kind) -> Result<()> {
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
            Kind::Resets => self.reset().await,
        }
    }

    async fn query(self, text: &str, expected: &[u16]) -> Result<()> {
        self.send(&query(text), expected).await
    }

    async fn send(self, request: &Request, expected: &[u16]) -> Result<()> {
        let mut connection = Connection::open(self.gateway).await?;
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
    async fn trickle(self, begin: &str) -> Result<()> {
        let mut stream = TcpStream::connect(self.gateway).await?;
        stream.write_all(begin.as_bytes()).await?;
        let end = Instant::now() + SLOW;
        let mut pace = interval(Duration::from_secs(1));
        while Instant::now() < end {
            tokio::select! {
                _ = pace.tick() => if stream.write_all(b"x").await.is_err() {
                    return Ok(());
                },
                read = stream.read_u8() => if read.is_err() {
                    return Ok(());
                },
            }
        }
        anyhow::bail!("the connection was not closed");
    }

    /// Opens and cancels calls of the command-service.
    async fn reset(self) -> Result<()> {
        const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
        // A POST of /x by http, without an authority.
        const HEADERS: [u8; 6] = [0x83, 0x86, 0x44, 0x02, b'/', b'x'];
        let mut bytes = PREFACE.to_vec();
        for call in 0..RESETS {
            let stream = (2 * call + 1).to_be_bytes();
            bytes.extend([0, 0, 6, 1, 4]);
            bytes.extend(stream);
            bytes.extend(HEADERS);
            bytes.extend([0, 0, 4, 3, 0]);
            bytes.extend(stream);
            bytes.extend([0, 0, 0, 8]);
        }
        let mut connection = TcpStream::connect(self.command).await?;
        // The service closes the connection at its limit, so not all of it may be sent.
        let _ = connection.write_all(&bytes).await;
        let _ = connection.shutdown().await;
        let mut answer = Vec::new();
        let _ = timeout(ANSWER_TIMEOUT, connection.read_to_end(&mut answer)).await?;
        Ok(())
    }
}

fn query(text: &str) -> Request {
    Request::post_json("/graphql", json!({ "query": text }).to_string())
}
