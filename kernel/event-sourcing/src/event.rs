//! Events: what a domain says of them, and how they go into a store.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The most bytes that the encoded data of one event may have.
pub const MAX_EVENT_BYTES: usize = 256 * 1024;

/// Events of one kind of stream, with their stored names and shapes.
///
/// It is derived. Each event is a variant with one field, its data, and says under which name it is stored. The name
/// is a literal, so that the type can be renamed. An event whose shape changed says so by a schema version, and for
/// each older one how its data are lifted to the next:
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
/// A name that filters need as well is a constant: `name = DEPOSITED`.
///
/// A struct can be the only event of its streams. It then carries the attribute itself. What does not fit does not
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
    /// Names, versions and serializes the event.
    fn encode(&self) -> EncodedEvent;
}

/// Events as who only reads them knows them. [`DomainEvent`]'s derive implements it.
pub trait StoredEvent: Clone + Debug + Send + Sync + Sized + 'static {
    /// The stored names of all its events.
    const TYPES: &'static [&'static str];

    /// Reads a stored event of any shape that was ever written, lifting old ones step by step.
    ///
    /// # Errors
    /// [`DecodeError`] if the name or the shape is unknown or the data do not fit it.
    fn decode(event_type: &str, schema_version: u32, data: &str) -> Result<Self, DecodeError>;
}

/// What a type parameter of an event must be able to do so that the event can be read. The derive adds it to each
/// parameter, so that a reader can take a type there that cannot be written.
pub trait StoredPayload: Clone + Debug + DeserializeOwned + Send + Sync + 'static {}

impl<T> StoredPayload for T where T: Clone + Debug + DeserializeOwned + Send + Sync + 'static {}

/// What a type parameter of an event must be able to do so that the event can be written.
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
    /// The shape is newer than this binary, or was never written.
    #[error("unknown schema version {schema_version} of {event_type}")]
    UnknownVersion {
        /// The stored name.
        event_type: String,
        /// The stored shape.
        schema_version: u32,
    },
    /// The data do not fit the shape.
    #[error("the data of {event_type} do not fit schema version {schema_version}")]
    Data {
        /// The stored name.
        event_type: String,
        /// The stored shape.
        schema_version: u32,
        /// What did not fit.
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

/// A domain event as its codec wrote it: name, shape and JSON text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedEvent {
    /// The stored name: a literal beside the type, never a Rust path.
    pub event_type: &'static str,
    /// The shape of `data`; upcasters lift older shapes when they are read.
    pub schema_version: u32,
    /// JSON text.
    pub data: String,
}

impl EncodedEvent {
    /// Serializes the data of an event.
    ///
    /// # Panics
    /// JSON cannot hold the data: a map whose keys are no strings, or a `Serialize` of its own that fails.
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

/// What is known about an event beside its data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// The request that led to the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// The command or event that led to the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation_id: Option<String>,
    /// Who asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The operation that wrote the commit, on its first event and on no other. The executor sets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Cow<'static, str>>,
    /// W3C trace context: `traceparent` and, where there is one, `tracestate`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub trace: BTreeMap<String, String>,
}

/// An event that is to be appended. Its id is derived from the command id and its index in the commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// Name, shape and data.
    pub event: EncodedEvent,
    /// Stored next to the data.
    pub metadata: Metadata,
}
