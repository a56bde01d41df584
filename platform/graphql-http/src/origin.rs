//! The origin of a request: its sender, and the correlation id and trace context that every call carries and every event
//! records.

use ::http::request::Parts;
use authentication::Caller;
use event_sourcing::trace;
use grpc_calls::{TraceContext, metadata};
use platform::runtime::RequestId;
use tonic::metadata::MetadataMap;
use tracing::Span;

/// The origin of a request.
#[derive(Clone, Debug)]
pub struct Origin {
    request_id: RequestId,
    trace: Option<TraceContext>,
    caller: Caller,
}

impl Origin {
    /// The origin of an HTTP request of this sender.
    #[must_use]
    pub fn of(request: &Parts, caller: Caller) -> Self {
        let known = request.extensions.get::<RequestId>().cloned();
        Self {
            request_id: known.unwrap_or_else(RequestId::new_random),
            trace: traced_within(&Span::current()).or_else(|| TraceContext::of(&request.headers)),
            caller,
        }
    }

    /// The origin of what the gateway does by itself.
    #[must_use]
    pub fn new_random() -> Self {
        Self {
            request_id: RequestId::new_random(),
            trace: Some(TraceContext::not_sampled(rand::random(), rand::random())),
            caller: Caller::gateway(),
        }
    }

    /// The sender.
    #[must_use]
    pub const fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The same origin of a request that is sent by another one.
    #[must_use]
    pub fn sent_by(&self, caller: Caller) -> Self {
        Self {
            caller,
            ..self.clone()
        }
    }

    /// The same origin, with its calls within `span`.
    #[must_use]
    pub fn within(&self, span: &Span) -> Self {
        let mut inner = self.clone();
        inner.trace = traced_within(span).or(inner.trace);
        inner
    }

    /// The request's id, which is the correlation id of its events.
    #[must_use]
    pub fn request_id(&self) -> &str {
        self.request_id.as_str()
    }

    /// Sets the metadata that every call carries.
    pub fn annotate(&self, metadata: &mut MetadataMap) {
        metadata::insert(metadata, metadata::CORRELATION_ID, self.request_id());
        if let Some(trace) = &self.trace {
            trace.insert(metadata);
        }
    }
}

/// The context of a span, if it is exported.
fn traced_within(span: &Span) -> Option<TraceContext> {
    TraceContext::from_fields(&trace::context(span)?)
}
