//! A client of graphql-transport-ws.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

const LIMIT: Duration = Duration::from_secs(30);
/// The name of the protocol.
pub const PROTOCOL: &str = "graphql-transport-ws";

/// An open WebSocket.
#[derive(Debug)]
pub struct Socket(WebSocketStream<TcpStream>);

/// The head of the response to a handshake with these extra headers, and the connection.
///
/// # Errors
/// The gateway does not answer in time, or otherwise than expected.
pub async fn handshake(address: SocketAddr, headers: &str) -> Result<(String, TcpStream)> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let head = format!(
        "GET /graphql HTTP/1.1\r\nhost: {address}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    let mut answer = Vec::new();
    let reading = async {
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(stream.read_u8().await?);
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(LIMIT, reading).await??;
    Ok((String::from_utf8(answer)?, stream))
}

impl Socket {
    /// Opens a WebSocket with this protocol, without a message.
    ///
    /// # Errors
    /// The gateway does not answer in time, or otherwise than expected.
    pub async fn connect(address: SocketAddr, protocol: &str) -> Result<Self> {
        Self::connect_with(address, protocol, "").await
    }

    /// Opens a WebSocket with this protocol and these extra headers, without a message.
    ///
    /// # Errors
    /// The gateway does not answer in time, or otherwise than expected.
    pub async fn connect_with(address: SocketAddr, protocol: &str, headers: &str) -> Result<Self> {
        let headers = format!("sec-websocket-protocol: {protocol}\r\n{headers}");
        let (answer, stream) = handshake(address, &headers).await?;
        ensure!(answer.starts_with("HTTP/1.1 101"), "{answer}");
        ensure!(answer.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{answer}");
        let stream = WebSocketStream::from_raw_socket(stream, Role::Client, None).await;
        Ok(Self(stream))
    }

    /// Opens a WebSocket and initialises it.
    ///
    /// # Errors
    /// The gateway does not answer in time, or otherwise than expected.
    pub async fn open(address: SocketAddr) -> Result<Self> {
        Self::open_with(address, &json!({})).await
    }

    /// Opens a WebSocket and initialises it with this payload.
    ///
    /// # Errors
    /// The gateway does not answer in time, or otherwise than expected.
    pub async fn open_with(address: SocketAddr, payload: &Value) -> Result<Self> {
        let mut socket = Self::connect(address, PROTOCOL).await?;
        socket.initialise(payload).await?;
        Ok(socket)
    }

    /// Initialises it with this payload.
    ///
    /// # Errors
    /// The gateway does not answer in time, or otherwise than expected.
    pub async fn initialise(&mut self, payload: &Value) -> Result<()> {
        self.send(&json!({"type": "connection_init", "payload": payload}))
            .await?;
        let answer = self.next().await?;
        ensure!(answer == json!({"type": "connection_ack"}), "{answer}");
        Ok(())
    }

    /// Sends a message.
    ///
    /// # Errors
    /// The gateway does not answer in time, or otherwise than expected.
    pub async fn send(&mut self, message: &Value) -> Result<()> {
        self.send_frame(Message::text(message.to_string())).await
    }

    /// Sends a frame.
    ///
    /// # Errors
    /// The gateway does not answer in time, or otherwise than expected.
    pub async fn send_frame(&mut self, message: Message) -> Result<()> {
        Ok(self.0.send(message).await?)
    }

    /// Starts an operation.
    ///
    /// # Errors
    /// The gateway does not answer in time, or otherwise than expected.
    pub async fn subscribe(&mut self, id: &str, query: &str, variables: &Value) -> Result<()> {
        let payload = json!({"query": query, "variables": variables});
        let message = json!({"id": id, "type": "subscribe", "payload": payload});
        self.send(&message).await
    }

    async fn frame(&mut self) -> Result<Message> {
        let frame = tokio::time::timeout(LIMIT, self.0.next()).await;
        Ok(frame.context("no message in time")?.context("the end")??)
    }

    /// The next message.
    ///
    /// # Errors
    /// The gateway does not answer in time, or otherwise than expected.
    pub async fn next(&mut self) -> Result<Value> {
        let reading = async {
            loop {
                match self.frame().await? {
                    Message::Text(text) => return Ok(serde_json::from_str(&text)?),
                    Message::Ping(_) | Message::Pong(_) => {}
                    other => bail!("{other:?}"),
                }
            }
        };
        // The gateway's pings are frames too.
        let read = tokio::time::timeout(LIMIT, reading).await;
        read.context("no message in time")?
    }

    /// The payload of the next message of an operation.
    ///
    /// # Errors
    /// The gateway does not answer in time, or otherwise than expected.
    pub async fn payload(&mut self, id: &str) -> Result<Value> {
        let mut message = self.next().await?;
        ensure!(
            message["id"] == id && message["type"] == "next",
            "{message}"
        );
        Ok(message["payload"].take())
    }

    /// The errors with which an operation ends.
    ///
    /// # Errors
    /// The gateway does not answer in time, or otherwise than expected.
    pub async fn errors(&mut self, id: &str) -> Result<Value> {
        let mut message = self.next().await?;
        ensure!(
            message["id"] == id && message["type"] == "error",
            "{message}"
        );
        Ok(message["payload"].take())
    }

    /// A round trip, after which everything sent before was handled.
    ///
    /// # Errors
    /// The gateway does not answer in time, or otherwise than expected.
    pub async fn ping(&mut self) -> Result<()> {
        self.send(&json!({"type": "ping"})).await?;
        let pong = self.next().await?;
        ensure!(pong["type"] == "pong", "{pong}");
        Ok(())
    }

    /// The code and reason of the end. Messages before it are skipped.
    ///
    /// # Errors
    /// The gateway does not answer in time, or otherwise than expected.
    pub async fn closed(&mut self) -> Result<(u16, String)> {
        let reading = async {
            loop {
                if let Message::Close(frame) = self.frame().await? {
                    let frame = frame.context("no code")?;
                    return Ok((frame.code.into(), frame.reason.to_string()));
                }
            }
        };
        let read = tokio::time::timeout(LIMIT, reading).await;
        read.context("not closed in time")?
    }
}

/// The position of a message.
///
/// # Errors
/// It has none.
pub fn position(payload: &Value) -> Result<u64> {
    let position = payload["extensions"]["position"].as_str();
    Ok(position.with_context(|| payload.to_string())?.parse()?)
}
