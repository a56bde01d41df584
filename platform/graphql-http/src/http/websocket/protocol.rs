//! The messages and close codes of graphql-transport-ws.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::graphql::{ReplacedNumbers, preserve};
use crate::http::outbox::Item;

/// The name of the protocol, which the client must offer.
pub const PROTOCOL: &str = "graphql-transport-ws";

/// The maximum length of an operation's id.
const MAX_ID_BYTES: usize = 128;

/// Why a socket is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Close {
    /// The service stops.
    GoingAway,
    /// A frame or its text is malformed.
    ProtocolError,
    InvalidText,
    TooBig,
    InvalidMessage(String),
    Unauthorized,
    UnknownProtocol,
    InitialisationTimeout,
    DuplicateId(String),
    TooSlow,
    SecondInitialisation,
}

impl Close {
    pub const fn code(&self) -> u16 {
        match self {
            Self::GoingAway => 1001,
            Self::ProtocolError => 1002,
            Self::InvalidText => 1007,
            Self::TooBig => 1009,
            Self::InvalidMessage(_) => 4400,
            Self::Unauthorized => 4401,
            Self::UnknownProtocol => 4406,
            Self::InitialisationTimeout => 4408,
            Self::DuplicateId(_) => 4409,
            Self::TooSlow => 4410,
            Self::SecondInitialisation => 4429,
        }
    }

    /// At most 123 bytes, as RFC 6455 limits it.
    pub fn reason(&self) -> String {
        match self {
            Self::GoingAway => "the service is stopping".to_owned(),
            Self::ProtocolError => "malformed frame".to_owned(),
            Self::InvalidText => "a message is not UTF-8".to_owned(),
            Self::TooBig => "a message is too long".to_owned(),
            Self::InvalidMessage(rule) => rule.clone(),
            Self::Unauthorized => "Unauthorized".to_owned(),
            Self::UnknownProtocol => "Subprotocol not acceptable".to_owned(),
            Self::InitialisationTimeout => "Connection initialisation timeout".to_owned(),
            Self::DuplicateId(id) => {
                let shown: String = id.chars().take(20).collect();
                format!("Subscriber for {shown} already exists")
            }
            Self::TooSlow => "too slow".to_owned(),
            Self::SecondInitialisation => "Too many initialisation requests".to_owned(),
        }
    }
}

/// A message from the client.
#[derive(Debug)]
pub enum Incoming {
    Init,
    Ping(Option<Value>),
    Pong,
    Subscribe {
        id: String,
        payload: Value,
        replaced: ReplacedNumbers,
    },
    Complete {
        id: String,
    },
}

#[derive(Deserialize)]
struct Fields {
    #[serde(rename = "type")]
    kind: String,
    id: Option<String>,
    payload: Option<Value>,
}

impl Incoming {
    /// # Errors
    /// The text is no message of the protocol.
    pub fn parse(text: &str) -> Result<Self, Close> {
        let invalid = |rule: &str| Close::InvalidMessage(rule.to_owned());
        let (text, replaced) = preserve(text);
        let fields = serde_json::from_str::<Fields>(&text);
        let fields = fields.map_err(|_| invalid("Invalid message received"))?;
        let id = || {
            let id = fields.id.clone().unwrap_or_default();
            if id.is_empty() || id.len() > MAX_ID_BYTES {
                let rule = format!("an id has 1 to {MAX_ID_BYTES} bytes");
                return Err(Close::InvalidMessage(rule));
            }
            Ok(id)
        };
        match fields.kind.as_str() {
            "connection_init" => Ok(Self::Init),
            "ping" => Ok(Self::Ping(fields.payload)),
            "pong" => Ok(Self::Pong),
            "subscribe" => {
                let id = id()?;
                let payload = fields.payload.filter(Value::is_object);
                let payload = payload.ok_or_else(|| invalid("subscribe needs a payload"))?;
                Ok(Self::Subscribe {
                    id,
                    payload,
                    replaced,
                })
            }
            "complete" => Ok(Self::Complete { id: id()? }),
            _ => Err(invalid("unknown type of message")),
        }
    }
}

#[derive(Serialize)]
struct Outgoing<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<&'a RawValue>,
}

fn write(id: Option<&str>, kind: &'static str, payload: Option<&[u8]>) -> String {
    // Payloads are JSON that this process has written.
    let payload = payload.and_then(|payload| serde_json::from_slice(payload).ok());
    // Cannot fail: there are no maps.
    serde_json::to_string(&Outgoing { id, kind, payload }).unwrap_or_default()
}

pub fn acknowledgement() -> String {
    write(None, "connection_ack", None)
}

pub fn pong(payload: Option<&Value>) -> String {
    let payload = payload.map(|payload| serde_json::to_vec(payload).unwrap_or_default());
    write(None, "pong", payload.as_deref())
}

/// The message of an operation that the client knows under this id.
pub fn message(id: &str, item: &Item) -> String {
    match item {
        Item::Next { body, .. } => write(Some(id), "next", Some(body)),
        Item::Error { body, .. } => write(Some(id), "error", Some(body)),
        Item::Complete { .. } => write(Some(id), "complete", None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_those_of_the_protocol() {
        let body = br#"{"data":{"a":"\u00e4"}}"#.as_slice().into();
        let next = Item::Next {
            operation: 1,
            position: Some(7),
            body,
        };
        assert_eq!(
            message("x\"y", &next),
            r#"{"id":"x\"y","type":"next","payload":{"data":{"a":"\u00e4"}}}"#
        );
        let complete = Item::Complete { operation: 1 };
        assert_eq!(message("1", &complete), r#"{"id":"1","type":"complete"}"#);
        assert_eq!(acknowledgement(), r#"{"type":"connection_ack"}"#);
        let payload = serde_json::json!({"n": 1});
        assert_eq!(pong(Some(&payload)), r#"{"type":"pong","payload":{"n":1}}"#);
    }

    #[test]
    fn other_texts_are_invalid() {
        for bad in [
            "",
            "[]",
            "{}",
            r#"{"type":"start"}"#,
            r#"{"type":"subscribe","payload":{"query":"{ a }"}}"#,
            r#"{"type":"subscribe","id":"","payload":{"query":"{ a }"}}"#,
            r#"{"type":"subscribe","id":"1"}"#,
            r#"{"type":"subscribe","id":"1","payload":"x"}"#,
            r#"{"type":"complete"}"#,
        ] {
            let close = Incoming::parse(bad).expect_err(bad);
            assert_eq!(close.code(), 4400, "{bad}");
            assert!(close.reason().len() <= 123);
        }
        let long = Close::DuplicateId("\u{1f600}".repeat(200));
        assert!(long.reason().len() <= 123);
    }
}
