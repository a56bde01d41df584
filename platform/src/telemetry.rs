//! Logs, metrics and traces of a process.

use std::fmt;
use std::io::IsTerminal;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tracing::Subscriber;
use tracing_subscriber::fmt::format::Format;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

mod log;
mod trace_ids;
mod traces;

pub use log::{LogFilter, LogFormat};
use trace_ids::WithTraceIds;
pub use traces::{OtlpProtocol, SamplerKind, TracesConfig, flush};

use crate::config::{Read, Reader, Setting, names};
use crate::runtime::StartError;
use crate::{metric_help, process_metrics};

/// Upper bounds, in seconds, of histogram buckets for durations.
const SECONDS: &[f64] = &[
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];
/// Those of sagas, which wait for providers, and for an operator.
const SAGA_SECONDS: &[f64] = &[
    0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0, 7_200.0,
    86_400.0,
];
/// Upper bounds of histogram buckets for counts.
const COUNTS: &[f64] = &[
    1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1_024.0,
];

/// The settings of logs and traces.
#[derive(Clone, Debug)]
pub struct TelemetryConfig {
    pub filter: LogFilter,
    pub format: LogFormat,
    /// `None` if traces are not exported.
    pub traces: Option<TracesConfig>,
    /// The process's own crates, if they are not of this project: their lines are filtered like ours.
    pub crates: &'static [&'static str],
}

impl TelemetryConfig {
    /// # Errors
    /// A setting does not parse.
    pub fn read(reader: &mut Reader) -> Read<Self> {
        Self::read_with(reader, &names::LOG_LEVEL)
    }

    /// Reads the settings, with `level` as the setting of the filter.
    ///
    /// # Errors
    /// A setting does not parse.
    pub fn read_with(reader: &mut Reader, level: &Setting<LogFilter>) -> Read<Self> {
        let filter = reader.get(level);
        let format = reader.get(&names::LOG_FORMAT);
        let traces = TracesConfig::read(reader);
        Ok(Self {
            filter: filter?,
            format: format?,
            traces: traces?,
            crates: &[],
        })
    }
}

/// Renders the process's metrics as Prometheus text.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// The text that `/metrics` serves.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = self.0.render();
        text.push_str(&process_metrics::render());
        text
    }

    /// Folds collected histogram samples. Without scrapes they accumulate until this is called.
    pub fn upkeep(&self) {
        self.0.run_upkeep();
    }

    /// Metrics without a recorder, for tests that serve `/metrics`.
    #[must_use]
    pub fn detached() -> Self {
        Self(PrometheusBuilder::new().build_recorder().handle())
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

/// Sends this process's logs to standard error, exports its traces if the settings name a collector, and installs the
/// metrics recorder. Called once per process, by a binary, within its runtime.
///
/// # Errors
/// A metrics recorder is already installed, or the export of traces cannot be set up.
pub fn install(config: &TelemetryConfig) -> Result<Metrics, StartError> {
    let handle = record_metrics().map_err(|error| StartError::failed("collect metrics", error))?;
    let filter = config.filter.filter(config.crates);
    // When a test embeds a service, a subscriber may already be installed; that one stays.
    let _ = match &config.traces {
        // The filter is not one of the layer: after a library has asked whether a line would be logged, a filter that
        // is alone and of a layer drops the next line of another callsite.
        None => Registry::default()
            .with(filter)
            .with(log_lines(config))
            .try_init(),
        Some(traces) => {
            let spans = traces::layer(traces)?;
            Registry::default()
                .with(spans)
                .with(log_lines(config).with_filter(filter))
                .try_init()
        }
    };
    Ok(Metrics(handle))
}

/// The layer that writes log lines.
fn log_lines<S>(config: &TelemetryConfig) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    // No colours in files and log collectors.
    let ansi = std::io::stderr().is_terminal() && config.format == LogFormat::Text;
    let lines = tracing_subscriber::fmt::layer()
        // A line that cannot be written is dropped. By default the failure would be reported on standard error, which
        // is what failed, and the resulting panic would end the task that logged.
        .log_internal_errors(false)
        .with_ansi(ansi)
        .with_writer(std::io::stderr);
    let format = Format::default().with_ansi(ansi);
    match config.format {
        LogFormat::Json => lines
            .json()
            .event_format(WithTraceIds {
                inner: format.json().flatten_event(true),
                format: config.format,
            })
            .boxed(),
        LogFormat::Text => lines
            .event_format(WithTraceIds {
                inner: format,
                format: config.format,
            })
            .boxed(),
    }
}

fn record_metrics() -> Result<PrometheusHandle, BuildError> {
    let sagas = Matcher::Full("saga_duration_seconds".to_owned());
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(sagas, SAGA_SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_events".to_owned()), COUNTS)?
        .install_recorder()?;
    metric_help::describe();
    let commit = crate::COMMIT.unwrap_or("unknown");
    metrics::gauge!("build_info", "version" => env!("CARGO_PKG_VERSION"), "commit" => commit)
        .set(1);
    Ok(handle)
}
