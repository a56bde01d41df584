//! Frames of HTTP/2, which no client library would send.

use anyhow::{Result, ensure};
use tokio::io::{AsyncRead, AsyncReadExt};

/// The preface, and settings that change nothing.
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const CANCEL: [u8; 4] = [0, 0, 0, 8];
/// Fields of HPACK's static table.
const GET: u8 = 0x82;
const POST: u8 = 0x83;
const HTTPS: u8 = 0x87;
const AUTHORITY: u8 = 1;
const PATH: u8 = 4;
const CONTENT_TYPE: u8 = 31;
/// The largest number that fits next to the marks of a field that is not to be remembered.
const SHORT_INDEX: u8 = 15;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    let mut bytes = length.to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// A field with a name of the static table, and a value of less than 127 bytes.
fn field(name: u8, value: &str) -> Vec<u8> {
    let mut bytes = vec![name.min(SHORT_INDEX)];
    bytes.extend(name.checked_sub(SHORT_INDEX));
    bytes.extend(u8::try_from(value.len()));
    bytes.extend(value.as_bytes());
    bytes
}

/// A complete query.
fn get(authority: &str) -> Vec<u8> {
    let path = field(PATH, "/graphql?query=%7Bcategories%7Bid%7D%7D");
    [vec![GET, HTTPS], path, field(AUTHORITY, authority)].concat()
}

/// Requests that are cancelled as soon as they are made (CVE-2023-44487).
pub fn rapid_resets(requests: u32, authority: &str) -> Vec<u8> {
    let mut bytes = PREFACE.to_vec();
    for stream in (1..).step_by(2).take(requests as usize) {
        let head = get(authority);
        bytes.extend(frame(HEADERS, END_STREAM | END_HEADERS, stream, &head));
        bytes.extend(frame(RST_STREAM, 0, stream, &CANCEL));
    }
    bytes
}

/// A request with a body of which nothing is sent.
pub fn bodyless(authority: &str) -> Vec<u8> {
    let fields = [field(PATH, "/graphql"), field(AUTHORITY, authority)];
    let fields = [&fields[..], &[field(CONTENT_TYPE, "application/json")]].concat();
    let head = [vec![POST, HTTPS], fields.concat()].concat();
    [PREFACE.to_vec(), frame(HEADERS, END_HEADERS, 1, &head)].concat()
}

/// One byte of the body of [`bodyless`].
pub fn body_byte() -> Vec<u8> {
    frame(DATA, 0, 1, b"x")
}

/// Reads until a response, or the end of the connection.
///
/// # Errors
/// The connection ended without a GOAWAY frame.
pub async fn answered(mut stream: impl AsyncRead + Unpin) -> Result<()> {
    let mut is_going_away = false;
    loop {
        let mut head = [0; 9];
        if stream.read_exact(&mut head).await.is_err() {
            ensure!(is_going_away, "the connection ended without a GOAWAY frame");
            return Ok(());
        }
        let [a, b, c, kind, ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        if stream.read_exact(&mut payload).await.is_err() || kind == HEADERS {
            return Ok(());
        }
        is_going_away |= kind == GOAWAY;
    }
}
