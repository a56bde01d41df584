//! The queue of spans, which counts what enters it: a full one drops spans silently.

use std::fmt;
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{BatchSpanProcessor, Span, SpanData, SpanExporter, SpanProcessor};

pub(super) struct CountedSpans {
    queue: BatchSpanProcessor,
    recorded: metrics::Counter,
}

impl CountedSpans {
    pub(super) fn new(exporter: impl SpanExporter + 'static) -> Self {
        let recorded = metrics::counter!("trace_spans_recorded_total");
        recorded.increment(0);
        Self {
            queue: BatchSpanProcessor::builder(exporter).build(),
            recorded,
        }
    }
}

impl fmt::Debug for CountedSpans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.queue.fmt(f)
    }
}

impl SpanProcessor for CountedSpans {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.queue.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() {
            self.recorded.increment(1);
        }
        self.queue.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.queue.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.queue.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.queue.set_resource(resource);
    }
}
