//! Logs and metrics of a process.

use std::fmt;
use std::io::IsTerminal;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

mod log;

pub use log::{LogFilter, LogFormat};

use crate::config::{Read, Reader, Setting, names};
use crate::{metric_help, process_metrics};

/// Upper bounds, in seconds, of the buckets that durations are counted in.
const SECONDS: &[f64] = &[
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];
/// Upper bounds of the buckets that counts are counted in.
const COUNTS: &[f64] = &[
    1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1_024.0,
];

/// The settings of logs.
#[derive(Clone, Debug)]
pub struct TelemetryConfig {
    pub filter: LogFilter,
    /// How it is logged.
    pub format: LogFormat,
}

impl TelemetryConfig {
    /// Reads them.
    ///
    /// # Errors
    /// A setting does not parse.
    pub fn read(reader: &mut Reader) -> Read<Self> {
        Self::read_with(reader, &names::LOG_LEVEL)
    }

    /// Reads them, with the filter that `level` describes.
    ///
    /// # Errors
    /// A setting does not parse.
    pub fn read_with(reader: &mut Reader, level: &Setting<LogFilter>) -> Read<Self> {
        let filter = reader.get(level);
        let format = reader.get(&names::LOG_FORMAT);
        Ok(Self {
            filter: filter?,
            format: format?,
        })
    }
}

/// Gives the process's metrics as Prometheus text.
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

    /// Folds what histograms collected. Without a scrape they grow until somebody calls this.
    pub fn upkeep(&self) {
        self.0.run_upkeep();
    }

    /// Metrics that nobody writes to, for tests that serve `/metrics`.
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

/// Sends this process's logs to standard error and collects its metrics. Called once, by a binary.
///
/// # Errors
/// Metrics are collected already.
pub fn install(config: &TelemetryConfig) -> Result<Metrics, BuildError> {
    let mut subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(config.filter.directives()))
        // A line that cannot be written is lost. By default it would be told on standard error, which is what failed, and
        // a panic there ends the task that had something to say.
        .log_internal_errors(false)
        .with_writer(std::io::stderr);
    if !std::io::stderr().is_terminal() {
        // Colours are for eyes: a file or a collector has the words alone.
        subscriber = subscriber.with_ansi(false);
    }
    // A subscriber can be there already when a test embeds a service; its owner decided then.
    let _ = match config.format {
        LogFormat::Json => subscriber.json().flatten_event(true).try_init(),
        LogFormat::Text => subscriber.try_init(),
    };
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_events".to_owned()), COUNTS)?
        .install_recorder()?;
    metric_help::describe();
    metrics::gauge!("build_info", "version" => env!("CARGO_PKG_VERSION")).set(1);
    Ok(Metrics(handle))
}
