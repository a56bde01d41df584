//! The messages and close codes of graphql-transport-ws.

use event_sourcing::quoted;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::graphql::ReplacedNumbers;
use crate::http::json;
use crate::http::outbox::Item;

/// The name of the protocol, which the client must offer.
pub const PROTOCOL: &str = "graphql-transport-ws";

/// The maximum length of an operation's id.
const MAX_ID_BYTES: usize = 128;
/// The maximum length of a close frame's reason (RFC 6455, section 5.5).
const MAX_REASON_BYTES: usize = 123;

/// Why a socket is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Close {
    /// The service stops.
    GoingAway,
    /// A frame or its text is malformed.
    ProtocolError,
    /// A message is not UTF-8.
    InvalidText,
    /// A message is too long.
    TooBig,
    /// A message is not one of the protocol, or its content is invalid; the reason names the rule.
    InvalidMessage(String),
    /// An operation was sent before the connection was acknowledged.
    Unauthorized,
    /// The token is not accepted, or has expired.
    Forbidden(String),
    /// The token cannot be verified at the moment.
    TryAgainLater(String),
    /// The client does not offer `graphql-transport-ws`.
    UnknownProtocol,
    /// No `connection_init` arrived in time.
    InitialisationTimeout,
    /// An operation with this id is running.
    DuplicateId(String),
    /// The client reads more slowly than messages arrive.
    TooSlow,
    /// A second `connection_init` arrived.
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
            Self::Forbidden(_) => 4403,
            Self::TryAgainLater(_) => 1013,
            Self::UnknownProtocol => 4406,
            Self::InitialisationTimeout => 4408,
            Self::DuplicateId(_) => 4409,
            Self::TooSlow => 4410,
            Self::SecondInitialisation => 4429,
        }
    }

    /// At most [`MAX_REASON_BYTES`].
    pub fn reason(&self) -> String {
        match self {
            Self::GoingAway => "the service is stopping".to_owned(),
            Self::ProtocolError => "malformed frame".to_owned(),
            Self::InvalidText => "a message is not UTF-8".to_owned(),
            Self::TooBig => "a message is too long".to_owned(),
            Self::InvalidMessage(reason)
            | Self::Forbidden(reason)
            | Self::TryAgainLater(reason) => {
                reason[..reason.floor_char_boundary(MAX_REASON_BYTES)].to_owned()
            }
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
    Init(Option<Map<String, Value>>),
    Ping(Option<Map<String, Value>>),
    Pong,
    Subscribe {
        id: String,
        payload: Map<String, Value>,
        replaced: ReplacedNumbers,
    },
    Complete {
        id: String,
    },
}

impl Incoming {
    /// # Errors
    /// The text is no message of the protocol.
    pub fn parse(text: &str) -> Result<Self, Close> {
        let invalid = |rule: &str| Close::InvalidMessage(rule.to_owned());
        let message = json::object("the message", text);
        let (mut fields, replaced) = message.map_err(|error| invalid(&error.message))?;
        let kind = match fields.remove("type").unwrap_or_default() {
            Value::String(kind) => kind,
            other => return Err(invalid(&json::wrong_type("type", "a string", &other))),
        };
        let payload = fields.remove("payload");
        let payload = || match payload {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(payload)) => Ok(Some(payload)),
            Some(_) => {
                let rule = format!("the payload of {kind} must be an object");
                Err(Close::InvalidMessage(rule))
            }
        };
        match kind.as_str() {
            "connection_init" => payload().map(Self::Init),
            "ping" => payload().map(Self::Ping),
            "pong" => payload().map(|_| Self::Pong),
            "subscribe" => Ok(Self::Subscribe {
                id: id(fields.remove("id"))?,
                payload: payload()?.ok_or_else(|| invalid("subscribe needs a payload"))?,
                replaced,
            }),
            "complete" => Ok(Self::Complete {
                id: id(fields.remove("id"))?,
            }),
            other => Err(invalid(&format!(
                "there is no message of the type {}",
                quoted(other)
            ))),
        }
    }
}

fn id(given: Option<Value>) -> Result<String, Close> {
    match given {
        Some(Value::String(id)) if (1..=MAX_ID_BYTES).contains(&id.len()) => Ok(id),
        _ => {
            let rule = format!("an id is text of 1 to {MAX_ID_BYTES} bytes");
            Err(Close::InvalidMessage(rule))
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

pub fn pong(payload: Option<&Map<String, Value>>) -> String {
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
        assert_eq!(
            pong(payload.as_object()),
            r#"{"type":"pong","payload":{"n":1}}"#
        );
    }

    #[test]
    fn a_field_that_is_there_twice_is_named() {
        let text = r#"{"type":"subscribe","id":"1","payload":{"variables":{"n":1,"n":2}}}"#;
        let close = Incoming::parse(text).expect_err("twice");
        assert_eq!(close.code(), 4400);
        let expected =
            r#"the message is not valid: it has "n" more than once in "payload.variables""#;
        assert_eq!(close.reason(), expected);
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
            r#"{"type":"subscribe","id":1,"payload":{"query":"{ a }"}}"#,
            r#"["connection_init",null,null]"#,
            r#"{"type":"ping","type":"pong"}"#,
            r#"{"type":null}"#,
            &format!(r#"{{"type":"{}","payload":1}}"#, "é".repeat(100)),
            &format!(
                r#"{{"type":"{}","payload":1}}"#,
                "connection_init".repeat(20)
            ),
            r#"{"type":"complete"}"#,
        ] {
            let close = Incoming::parse(bad).expect_err(bad);
            assert_eq!(close.code(), 4400, "{bad}");
            assert!(close.reason().len() <= 123, "{bad}");
        }
        // A payload is an object, or null, which is as none.
        for kind in ["connection_init", "ping", "pong", "subscribe"] {
            for payload in ["1", "true", "\"x\"", "[]"] {
                let text = format!(r#"{{"type":"{kind}","id":"1","payload":{payload}}}"#);
                let reason = Incoming::parse(&text).expect_err(&text).reason();
                assert_eq!(reason, format!("the payload of {kind} must be an object"));
            }
        }
        for kind in ["connection_init", "ping", "pong"] {
            for payload in ["", r#","payload":null"#, r#","payload":{"a":1}"#] {
                let text = format!(r#"{{"type":"{kind}"{payload}}}"#);
                assert!(Incoming::parse(&text).is_ok(), "{text}");
            }
        }
        let long = Close::DuplicateId("\u{1f600}".repeat(200));
        assert!(long.reason().len() <= 123);
    }
}
