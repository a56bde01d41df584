//! The origin of a request: its sender, and the correlation id and trace context that every call carries and every event
//! records.

use ::http::HeaderMap;
use ::http::request::Parts;
use authentication::Caller;
use grpc_calls::{TraceContext, metadata};
use platform::runtime::RequestId;
use tonic::metadata::MetadataMap;

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
            trace: trace(&request.headers),
            caller,
        }
    }

    /// The origin of what the gateway does by itself.
    #[must_use]
    pub fn new_random() -> Self {
        Self {
            request_id: RequestId::new_random(),
            trace: None,
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

fn trace(headers: &HeaderMap) -> Option<TraceContext> {
    let mut given = HeaderMap::new();
    for name in [metadata::TRACEPARENT, metadata::TRACESTATE] {
        for value in headers.get_all(name) {
            given.append(name, value.clone());
        }
    }
    TraceContext::of(&MetadataMap::from_headers(given))
}
