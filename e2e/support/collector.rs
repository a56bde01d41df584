//! A collector of traces: it takes spans in OpenTelemetry's protocol over gRPC, and keeps them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, ensure};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::{Span, status};
use test_shop::until;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tonic::codec::CompressionEncoding;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

/// A span that was exported.
#[derive(Clone, Debug)]
pub struct ExportedSpan {
    /// The process.
    pub service: String,
    pub name: String,
    pub kind: SpanKind,
    pub trace: String,
    pub id: String,
    /// Empty for the first of a trace.
    pub parent: String,
    pub attributes: BTreeMap<String, String>,
    /// The ids of the traces that it is linked to.
    pub links: Vec<String>,
    pub is_error: bool,
}

impl ExportedSpan {
    fn new(service: &str, span: Span) -> Self {
        Self {
            service: service.to_owned(),
            kind: span.kind(),
            name: span.name,
            trace: hex(&span.trace_id),
            id: hex(&span.span_id),
            parent: hex(&span.parent_span_id),
            attributes: texts(span.attributes),
            links: span.links.iter().map(|link| hex(&link.trace_id)).collect(),
            is_error: span
                .status
                .is_some_and(|status| status.code() == status::StatusCode::Error),
        }
    }

    pub fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn texts(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    let text = |value: Option<AnyValue>| match value.and_then(|value| value.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::BoolValue(is)) => is.to_string(),
        other => format!("{other:?}"),
    };
    attributes
        .into_iter()
        .map(|attribute| (attribute.key, text(attribute.value)))
        .collect()
}

#[derive(Clone, Debug, Default)]
struct Received(Arc<Mutex<Vec<ExportedSpan>>>);

#[tonic::async_trait]
impl TraceService for Received {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut received = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for resource in request.into_inner().resource_spans {
            let attributes = texts(resource.resource.unwrap_or_default().attributes);
            let service = attributes.get("service.name").cloned().unwrap_or_default();
            let spans = resource
                .scope_spans
                .into_iter()
                .flat_map(|scope| scope.spans);
            received.extend(spans.map(|span| ExportedSpan::new(&service, span)));
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

/// A running collector. It ends when it is dropped.
#[derive(Debug)]
pub struct Collector {
    address: SocketAddr,
    received: Received,
    server: JoinHandle<Result<(), tonic::transport::Error>>,
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Collector {
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let received = Received::default();
        let service =
            TraceServiceServer::new(received.clone()).accept_compressed(CompressionEncoding::Gzip);
        let serving = Server::builder()
            .add_service(service)
            .serve_with_incoming(TcpIncoming::from(listener));
        Ok(Self {
            address,
            received,
            server: tokio::spawn(serving),
        })
    }

    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The spans of a trace so far.
    pub fn trace(&self, id: &str) -> Vec<ExportedSpan> {
        let received = self.received.0.lock();
        let received = received.unwrap_or_else(PoisonError::into_inner);
        let of_trace = received.iter().filter(|span| span.trace == id);
        of_trace.cloned().collect()
    }

    /// All spans so far.
    pub fn all(&self) -> Vec<ExportedSpan> {
        let received = self.received.0.lock();
        received.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until a trace has all that `check` asks for, and returns its spans.
    pub async fn complete(
        &self,
        id: &str,
        check: impl Fn(&[ExportedSpan]) -> Result<()>,
    ) -> Result<Vec<ExportedSpan>> {
        until("a complete trace", async || {
            let spans = self.trace(id);
            ensure!(!spans.is_empty(), "no span of trace {id} has arrived");
            check(&spans).with_context(|| tree(&spans))?;
            Ok(spans)
        })
        .await
    }
}

/// The spans as an indented list, for failures.
pub fn tree(spans: &[ExportedSpan]) -> String {
    fn add(text: &mut String, spans: &[ExportedSpan], parent: &str, depth: usize) {
        for span in spans.iter().filter(|span| span.parent == parent) {
            let (indent, service, name) = ("  ".repeat(depth), &span.service, &span.name);
            let _ = writeln!(text, "{indent}{service}: {name}");
            add(text, spans, &span.id, depth + 1);
        }
    }
    let mut text = String::new();
    let is_known = |id: &str| spans.iter().any(|span| span.id == id);
    let mut roots: Vec<&str> = spans.iter().map(|span| &*span.parent).collect();
    roots.retain(|parent| !is_known(parent));
    roots.sort_unstable();
    roots.dedup();
    for root in roots {
        let _ = writeln!(text, "below {root}:");
        add(&mut text, spans, root, 1);
    }
    text
}
