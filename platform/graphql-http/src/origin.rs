//! The origin of a request: the correlation id and trace context that every call carries and every event records.

use ::http::HeaderMap;
use ::http::request::Parts;
use grpc_calls::{TraceContext, metadata};
use platform::runtime::RequestId;
use tonic::metadata::MetadataMap;

/// The origin of a request. Once requests are authenticated, the user will be part of it.
#[derive(Clone, Debug)]
pub struct Origin {
    request_id: RequestId,
    trace: Option<TraceContext>,
}

impl Origin {
    /// The origin of an HTTP request.
    #[must_use]
    pub fn of(request: &Parts) -> Self {
        let known = request.extensions.get::<RequestId>().cloned();
        Self {
            request_id: known.unwrap_or_else(RequestId::new_random),
            trace: trace(&request.headers),
        }
    }

    /// The origin of what no request causes.
    #[must_use]
    pub fn new_random() -> Self {
        Self {
            request_id: RequestId::new_random(),
            trace: None,
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
