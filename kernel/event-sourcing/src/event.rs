//! Events: their stored names, schema versions and serialization.

use std::borrow::Cow;
use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::trace::TraceContext;

/// The maximum size of one event's encoded data, in bytes.
pub const MAX_EVENT_BYTES: usize = 256 * 1024;

/// The events of one stream type, with their stored names and schema versions.
///
/// Derive it. Each event is a variant with one field, its data, and an attribute with its stored name. The name is a
/// literal, so that the type can be renamed. An event whose schema has changed has a schema version, and an upcaster
/// from each older version to the next:
///
/// ```
/// use event_sourcing::{DomainEvent, StoredEvent};
/// use serde::{Deserialize, Serialize};
/// use serde_json::Value;
///
/// #[derive(Clone, Debug, DomainEvent)]
/// enum AccountEvent {
///     #[event(name = "Deposited")]
///     Deposited(Deposited),
///     #[event(name = "Withdrawn", version = 2, upcast = [withdrawn_v1_to_v2])]
///     Withdrawn(Withdrawn),
/// }
///
/// #[derive(Clone, Debug, Serialize, Deserialize)]
/// struct Deposited {
///     cents: u64,
/// }
///
/// #[derive(Clone, Debug, Serialize, Deserialize)]
/// struct Withdrawn {
///     cents: u64,
///     reason: Option<String>,
/// }
///
/// /// Version 1 had `amount`, and no reason.
/// fn withdrawn_v1_to_v2(mut old: Value) -> Value {
///     serde_json::json!({ "cents": old["amount"].take() })
/// }
///
/// assert_eq!(AccountEvent::TYPES, ["Deposited", "Withdrawn"]);
/// let read = AccountEvent::decode("Withdrawn", 1, r#"{"amount": 500}"#).unwrap();
/// assert!(matches!(read, AccountEvent::Withdrawn(data) if data.cents == 500));
/// ```
///
/// A name that is also used in filters can be a constant: `name = DEPOSITED`.
///
/// A struct can be the only event of its streams; it then has the attribute itself. Inconsistent attributes do not
/// compile:
///
/// ```compile_fail
/// # use event_sourcing::DomainEvent;
/// # use serde::{Deserialize, Serialize};
/// #[derive(Clone, Debug, Serialize, Deserialize, DomainEvent)]
/// #[event(name = "Opened", version = 2)] // and no upcaster from version 1
/// struct Opened {}
/// ```
pub trait DomainEvent: StoredEvent {
    /// Serializes the event, with its stored name and schema version.
    fn encode(&self) -> EncodedEvent;
}

/// The events of one stream type, for reading only. Implemented by the derive of [`DomainEvent`].
pub trait StoredEvent: Clone + Debug + Send + Sync + Sized + 'static {
    /// The stored names of all its events.
    const TYPES: &'static [&'static str];

    /// Decodes a stored event of any schema version that was ever written, upcasting old ones step by step.
    ///
    /// # Errors
    /// [`DecodeError`] if the name or the schema version is unknown, or the data do not match it.
    fn decode(event_type: &str, schema_version: u32, data: &str) -> Result<Self, DecodeError>;
}

/// The bound on a type parameter of an event that is read. The derive adds it to each parameter, so that a reader can
/// use a type that cannot be serialized.
pub trait StoredPayload: Clone + Debug + DeserializeOwned + Send + Sync + 'static {}

impl<T> StoredPayload for T where T: Clone + Debug + DeserializeOwned + Send + Sync + 'static {}

/// The bound on a type parameter of an event that is written.
pub trait Payload: StoredPayload + Serialize {}

impl<T> Payload for T where T: StoredPayload + Serialize {}

/// A stored event that this binary cannot read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// No event of this stream has that name.
    #[error("unknown event type {event_type:?}")]
    UnknownType {
        /// The stored name.
        event_type: String,
    },
    /// The schema version is newer than this binary, or was never written.
    #[error("unknown schema version {schema_version} of {event_type}")]
    UnknownVersion {
        /// The stored name.
        event_type: String,
        /// The stored schema version.
        schema_version: u32,
    },
    /// The data do not match the schema version.
    #[error("the data of {event_type} do not fit schema version {schema_version}")]
    Data {
        /// The stored name.
        event_type: String,
        /// The stored schema version.
        schema_version: u32,
        /// The mismatch.
        #[source]
        source: serde_json::Error,
    },
}

impl DecodeError {
    /// No event of the stream has that name.
    #[must_use]
    pub fn unknown_type(event_type: &str) -> Self {
        Self::UnknownType {
            event_type: event_type.to_owned(),
        }
    }
}

/// A serialized event: stored name, schema version and JSON text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedEvent {
    /// The stored name: a literal in the attribute, never a Rust path.
    pub event_type: &'static str,
    /// The schema version of `data`.
    pub schema_version: u32,
    /// JSON text.
    pub data: String,
}

impl EncodedEvent {
    /// Serializes the data of an event.
    ///
    /// # Panics
    /// The data cannot be represented in JSON: a map with keys that are not strings, or a custom `Serialize` that
    /// fails.
    pub fn of(event_type: &'static str, schema_version: u32, data: &impl Serialize) -> Self {
        let data = serde_json::to_string(data).unwrap_or_else(|error| {
            unreachable!("{event_type} cannot be serialized as JSON: {error}")
        });
        Self {
            event_type,
            schema_version,
            data,
        }
    }
}

/// The context in which an event was recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// The request that caused the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// The command or event that caused the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation_id: Option<String>,
    /// The user who sent the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The operation that wrote the commit, on its first event and on no other. The executor sets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Cow<'static, str>>,
    /// W3C trace context: `traceparent` and, where there is one, `tracestate`.
    #[serde(default, skip_serializing_if = "TraceContext::is_empty")]
    pub trace: TraceContext,
}

/// An event to append. Its id is derived from the command id and its index in the commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// Name, schema version and data.
    pub event: EncodedEvent,
    /// Stored next to the data.
    pub metadata: Metadata,
}
