//! HTTP/1.1 as bytes, because a client would not send most bad input.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::table::Answer;

/// A request as a table has it: a line, headers, and after an empty line the body.
#[derive(Debug)]
pub struct Parts<'a> {
    pub first: &'a [u8],
    pub headers: Vec<&'a [u8]>,
    pub body: &'a [u8],
}

impl<'a> Parts<'a> {
    pub fn of(request: &'a [u8]) -> Self {
        let end = request.windows(2).position(|pair| pair == b"\n\n");
        let (head, body) = match end {
            Some(end) => (&request[..end], &request[end + 2..]),
            None => (request, &b""[..]),
        };
        let head = head.strip_suffix(b"\n").unwrap_or(head);
        let mut lines = head.split(|byte| *byte == b'\n');
        Self {
            first: lines.next().unwrap_or_default(),
            headers: lines.collect(),
            body,
        }
    }

    /// The value of a header, if it is text.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        let mut headers = self.headers.iter().filter_map(|line| {
            let (given, value) = std::str::from_utf8(line).ok()?.split_once(':')?;
            given.eq_ignore_ascii_case(name).then(|| value.trim())
        });
        headers.next()
    }

    fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|line| {
            let mut parts = line.splitn(2, |byte| *byte == b':');
            parts
                .next()
                .is_some_and(|given| given.eq_ignore_ascii_case(name.as_bytes()))
        })
    }

    /// The bytes of HTTP/1.1, with a host and the length of the body if the table names none.
    pub fn bytes(&self, address: SocketAddr) -> Vec<u8> {
        let mut bytes = self.first.to_vec();
        let mut line = |text: &[u8]| {
            bytes.extend(b"\r\n");
            bytes.extend(text);
        };
        for header in &self.headers {
            line(header);
        }
        if !self.has("host") {
            line(format!("host: {address}").as_bytes());
        }
        if !self.has("content-length") && !self.has("transfer-encoding") && !self.body.is_empty() {
            line(format!("content-length: {}", self.body.len()).as_bytes());
        }
        line(b"connection: close");
        bytes.extend(b"\r\n\r\n");
        bytes.extend(self.body);
        bytes
    }
}

/// A response.
#[derive(Debug)]
pub struct Response {
    head: String,
    pub body: String,
}

/// Sends bytes, and reads the response to the end of the connection.
pub async fn send(address: SocketAddr, request: &[u8]) -> Result<Response> {
    let mut stream = sent(address, request).await?;
    let mut bytes = Vec::new();
    // What was answered before a reset is the answer.
    let _ = stream.read_to_end(&mut bytes).await;
    Response::of(&bytes)
}

/// As [`send`], for a body that does not end: it is read until it has this.
pub async fn send_until(address: SocketAddr, request: &[u8], end: &[u8]) -> Result<Response> {
    let mut stream = sent(address, request).await?;
    let mut bytes = Vec::new();
    loop {
        let read = stream.read_buf(&mut bytes).await.unwrap_or(0);
        let head = bytes.windows(4).position(|part| part == b"\r\n\r\n");
        let body = head.and_then(|head| bytes.get(head + 4..));
        let has_ended = body.is_some_and(|body| body.windows(end.len()).any(|part| part == end));
        if read == 0 || has_ended {
            return Response::of(&bytes);
        }
    }
}

async fn sent(address: SocketAddr, request: &[u8]) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(address).await?;
    // The server may have answered and closed before it has read everything.
    let _ = stream.write_all(request).await;
    Ok(stream)
}

fn unchunked(mut rest: &[u8]) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|pair| pair == b"\r\n") {
        let length = usize::from_str_radix(std::str::from_utf8(&rest[..end])?, 16)?;
        let chunk = rest
            .get(end + 2..end + 2 + length)
            .context("half a chunk")?;
        body.extend(chunk);
        rest = rest.get(end + 4 + length..).unwrap_or_default();
    }
    Ok(body)
}

impl Response {
    fn of(bytes: &[u8]) -> Result<Self> {
        let end = bytes.windows(4).position(|part| part == b"\r\n\r\n");
        let (head, body) = match end {
            Some(end) => (&bytes[..end], &bytes[end + 4..]),
            None => (&b""[..], bytes),
        };
        let head = std::str::from_utf8(head)?.to_ascii_lowercase();
        let body = if head.contains("transfer-encoding: chunked") {
            unchunked(body)?
        } else {
            body.to_vec()
        };
        let body = String::from_utf8(body)?;
        Ok(Self { head, body })
    }

    pub fn status(&self) -> &str {
        self.head.get(9..12).unwrap_or("closed")
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.head.lines().skip(1);
        headers.find_map(|line| {
            let (given, value) = line.split_once(": ")?;
            (given == name).then_some(value)
        })
    }

    /// The status and the code of a GraphQL response with its messages, or the text of another one. Headers that tell what to do
    /// instead are part of it.
    pub fn answer(&self) -> Result<Answer> {
        let mut status = self.status().to_owned();
        let mut message = self.body.clone();
        if let Ok(body) = serde_json::from_str::<Value>(&self.body) {
            if let Some(code) = code(&body["errors"]) {
                status = format!("{status} {code}");
            }
            message = messages(&body["errors"])?;
        }
        for name in ["allow", "retry-after", "www-authenticate"] {
            if let Some(value) = self.header(name) {
                status = format!("{status}, {name}: {value}");
            }
        }
        Ok(Answer::new(status, message))
    }
}

/// The code of the first error.
pub fn code(errors: &Value) -> Option<&str> {
    errors[0]["extensions"]["code"].as_str()
}

/// The messages of all errors. An error of a field begins with the field, and has a time.
pub fn messages(errors: &Value) -> Result<String> {
    let errors = errors.as_array().map_or(&[][..], Vec::as_slice);
    let messages = errors.iter().map(|error| {
        let message = error["message"].as_str().context("no message")?;
        let extensions = &error["extensions"];
        extensions["timestamp"].as_str().context("no time")?;
        Ok(match extensions["field"].as_str() {
            Some(field) if !message.starts_with(field) => format!("[{field}] {message}"),
            _ => message.to_owned(),
        })
    });
    Ok(messages.collect::<Result<Vec<_>>>()?.join(" / "))
}
