//! Attaches spans to the trace contexts of other processes.

use std::collections::HashMap;

use event_sourcing::trace::{self, Propagator, TraceContext};
use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::TraceContextExt;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

pub(super) fn install() {
    trace::install(Propagator {
        set_parent,
        add_link,
        context,
    });
}

fn set_parent(span: &Span, parent: &TraceContext) {
    // Fails only for a span that is not exported.
    let _ = span.set_parent(remote(parent));
}

fn add_link(span: &Span, other: &TraceContext) {
    span.add_link(remote(other).span().span_context().clone());
}

fn context(span: &Span) -> TraceContext {
    let mut fields = HashMap::new();
    TraceContextPropagator::new().inject_context(&span.context(), &mut fields);
    // An empty `tracestate` has no meaning.
    fields
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .collect()
}

fn remote(context: &TraceContext) -> Context {
    let fields: HashMap<String, String> = context.clone().into_iter().collect();
    TraceContextPropagator::new().extract_with_context(&Context::new(), &fields)
}
