//! A client of HTTP/1.1, or of HTTP/2 over TLS, with one persistent connection and one request at a time.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::{Method, Response, StatusCode, header};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::task::JoinHandle;

use crate::tls::{ClientTls, connect};

#[derive(Clone, Debug)]
pub struct Request {
    pub method: Method,
    /// Includes the query string, if there is one.
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

impl Request {
    /// A GET without a body.
    #[must_use]
    pub fn get(path: &str) -> Self {
        Self {
            method: Method::GET,
            path: path.to_owned(),
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    /// A POST of JSON text.
    #[must_use]
    pub fn post_json(path: &str, body: impl Into<Bytes>) -> Self {
        let content_type = (header::CONTENT_TYPE.to_string(), "application/json".into());
        Self {
            method: Method::POST,
            path: path.to_owned(),
            headers: vec![content_type],
            body: body.into(),
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

#[derive(Clone, Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: hyper::HeaderMap,
    pub body: Bytes,
}

impl Reply {
    /// A header's value, if it exists and is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// If it is not JSON; the message has the body.
    pub fn json(&self) -> Result<serde_json::Value> {
        serde_json::from_slice(&self.body).with_context(|| {
            let text = String::from_utf8_lossy(&self.body);
            format!("{} with a body that is not JSON: {text:?}", self.status)
        })
    }
}

#[derive(Debug)]
pub struct Connection {
    sender: Sender,
    host: String,
    driver: JoinHandle<()>,
}

#[derive(Debug)]
enum Sender {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

impl Connection {
    /// Opens a connection.
    ///
    /// # Errors
    /// If no server listens at the address.
    pub async fn open(address: SocketAddr) -> Result<Self> {
        Self::open_with(address, None).await
    }

    /// Opens a connection, which is one of HTTP/2 if there is `tls`.
    ///
    /// # Errors
    /// If no server listens at the address, or it and the client do not accept each other.
    pub async fn open_with(address: SocketAddr, tls: Option<&ClientTls>) -> Result<Self> {
        // An error of the connection is returned by the request in flight.
        let (sender, driver) = if tls.is_some() {
            let io = TokioIo::new(connect(address, tls, "h2").await?);
            let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await?;
            let driver = tokio::spawn(async move { drop(connection.await) });
            (Sender::Http2(sender), driver)
        } else {
            let io = TokioIo::new(connect(address, None, "http/1.1").await?);
            let (sender, connection) = http1::handshake(io).await?;
            let driver = tokio::spawn(async move { drop(connection.await) });
            (Sender::Http1(sender), driver)
        };
        Ok(Self {
            sender,
            host: address.to_string(),
            driver,
        })
    }

    /// Whether another request can be sent. A server that closes the connection has said so with its last response, or has
    /// closed it already.
    pub async fn is_open(&mut self) -> bool {
        match &mut self.sender {
            Sender::Http1(sender) => sender.ready().await.is_ok(),
            Sender::Http2(sender) => sender.ready().await.is_ok(),
        }
    }

    /// Sends a request and waits for the complete response.
    ///
    /// # Errors
    /// If the connection breaks before the response is complete; the outcome of the request is then unknown.
    pub async fn send(&mut self, request: &Request) -> Result<Reply> {
        // The host of HTTP/2 is in its URI.
        let (uri, needs_host) = match &self.sender {
            Sender::Http1(_) => (request.path.clone(), true),
            Sender::Http2(_) => (format!("https://{}{}", self.host, request.path), false),
        };
        let mut builder = hyper::Request::builder().method(&request.method).uri(uri);
        let names_host = request
            .headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("host"));
        if needs_host && !names_host {
            builder = builder.header(header::HOST, &self.host);
        }
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        let request = builder.body(Full::new(request.body.clone()))?;
        let response: Response<Incoming> = match &mut self.sender {
            Sender::Http1(sender) => {
                sender.ready().await?;
                sender.send_request(request).await?
            }
            Sender::Http2(sender) => {
                sender.ready().await?;
                sender.send_request(request).await?
            }
        };
        let (head, body) = response.into_parts();
        Ok(Reply {
            status: head.status,
            headers: head.headers,
            body: body.collect().await?.to_bytes(),
        })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}
