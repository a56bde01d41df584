//! Stream ids.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// Identifies a stream: an aggregate type and an id. Ordered by type, then id; lanes are locked in this order.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    aggregate_type: Cow<'static, str>,
    aggregate_id: Arc<str>,
}

impl StreamId {
    /// A stream of a known type.
    #[must_use]
    pub fn new(aggregate_type: &'static str, aggregate_id: impl Into<Arc<str>>) -> Self {
        Self {
            aggregate_type: Cow::Borrowed(aggregate_type),
            aggregate_id: aggregate_id.into(),
        }
    }

    /// A stream read from a store; its type may be unknown to this binary.
    #[must_use]
    pub fn stored(aggregate_type: String, aggregate_id: impl Into<Arc<str>>) -> Self {
        Self {
            aggregate_type: Cow::Owned(aggregate_type),
            aggregate_id: aggregate_id.into(),
        }
    }

    /// Such as `product`.
    #[must_use]
    pub fn aggregate_type(&self) -> &str {
        &self.aggregate_type
    }

    /// Unique within its type.
    #[must_use]
    pub fn aggregate_id(&self) -> &str {
        &self.aggregate_id
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.aggregate_type, self.aggregate_id)
    }
}

impl fmt::Debug for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
