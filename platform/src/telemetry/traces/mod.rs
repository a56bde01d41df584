//! Exports spans to a collector of OpenTelemetry.
//!
//! Spans with the target [`trace::TARGET`] are exported, in batches and on a thread of their own: a collector that is slow
//! or unreachable costs spans, which are counted, and never delays or fails a request.

mod config;
mod exporter;
mod http_client;
mod processor;
mod propagator;
mod protocol;
mod sampler;

use std::sync::OnceLock;
use std::time::Duration;

use event_sourcing::trace;
use opentelemetry::trace::TraceContextExt;
use opentelemetry::trace::TracerProvider;
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

pub use config::TracesConfig;
pub use protocol::OtlpProtocol;
pub use sampler::SamplerKind;

use self::processor::CountedSpans;
use crate::runtime::StartError;

/// How long a stop waits for the collector to take the last spans.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(3);

static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();

/// The layer that exports spans. Called within the runtime that the process ends with.
///
/// # Errors
/// The library rejects one of the variables of OpenTelemetry that it reads itself.
pub(super) fn layer<S>(config: &TracesConfig) -> Result<impl Layer<S>, StartError>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let exporter = exporter::open(config)
        .map_err(|error| StartError::failed("set up the export of traces", error))?;
    let resource = Resource::builder()
        .with_service_name(config.service_name.clone())
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    let provider = SdkTracerProvider::builder()
        .with_resource(resource)
        .with_sampler(config.sampler())
        .with_span_processor(CountedSpans::new(exporter))
        .build();
    let tracer = provider.tracer("rust-cqrs");
    let _ = PROVIDER.set(provider);
    propagator::install();
    let layer = tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false);
    Ok(layer.with_filter(filter_fn(|metadata| {
        metadata.is_span() && metadata.target() == trace::TARGET
    })))
}

/// Exports what has not been exported, within a few seconds. Called at the end of the process, outside of its runtime.
pub fn flush() {
    if let Some(provider) = PROVIDER.get() {
        // What a collector that is away has not taken by then is lost, and was counted.
        let _ = provider.shutdown_with_timeout(FLUSH_TIMEOUT);
    }
}

/// The ids of the current trace and span, if there are any.
pub(super) fn current_ids() -> Option<(String, String)> {
    if !trace::is_exported() {
        return None;
    }
    let context = Context::current();
    let span = context.span();
    let ids = span.span_context();
    ids.is_valid()
        .then(|| (ids.trace_id().to_string(), ids.span_id().to_string()))
}
