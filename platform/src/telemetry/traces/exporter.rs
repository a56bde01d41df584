//! The exporter, which counts what it exports and logs when it cannot.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use event_sourcing::FailureLog;
use opentelemetry_otlp::{
    ExporterBuildError, Protocol, SpanExporter as OtlpExporter, WithExportConfig, WithHttpConfig,
    WithTonicConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use tokio::time::Instant;
use tonic::transport::ClientTlsConfig;

use super::config::TracesConfig;
use super::http_client::RuntimeHttpClient;
use super::protocol::OtlpProtocol;
use crate::fields;

/// How long the collector may take for a batch.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    #[error(transparent)]
    Exporter(#[from] ExporterBuildError),
    #[error(transparent)]
    HttpClient(#[from] reqwest::Error),
}

pub(super) fn open(config: &TracesConfig) -> Result<ObservedExporter, OpenError> {
    let builder = OtlpExporter::builder();
    let inner = match config.protocol {
        OtlpProtocol::Grpc => builder
            .with_tonic()
            .with_endpoint(config.endpoint.as_str())
            .with_timeout(EXPORT_TIMEOUT)
            .with_tls_config(ClientTlsConfig::new().with_native_roots())
            .build()?,
        OtlpProtocol::Http => builder
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(traces_url(config))
            .with_timeout(EXPORT_TIMEOUT)
            .with_http_client(RuntimeHttpClient::try_new()?)
            .build()?,
    };
    for outcome in ["exported", "lost"] {
        spans(outcome).increment(0);
    }
    Ok(ObservedExporter {
        inner,
        failures: Arc::new(FailureLog::new()),
    })
}

/// The setting names the collector; its path for traces is fixed.
fn traces_url(config: &TracesConfig) -> String {
    let base = config.endpoint.as_str().trim_end_matches('/');
    format!("{base}/v1/traces")
}

fn spans(outcome: &'static str) -> metrics::Counter {
    metrics::counter!("trace_spans_total", "outcome" => outcome)
}

pub(super) struct ObservedExporter {
    inner: OtlpExporter,
    failures: Arc<FailureLog>,
}

impl fmt::Debug for ObservedExporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl SpanExporter for ObservedExporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len() as u64;
        let exported = self.inner.export(batch).await;
        match &exported {
            Ok(()) => {
                spans("exported").increment(count);
                self.failures
                    .log_recovery(Instant::now(), "traces are exported again");
            }
            Err(error) => {
                spans("lost").increment(count);
                if let Some(suppressed) = self.failures.failed(Instant::now()) {
                    tracing::warn!(
                        { fields::ERROR } = error as &dyn std::error::Error,
                        { fields::SUPPRESSED } = suppressed,
                        "traces cannot be exported"
                    );
                }
            }
        }
        exported
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}
