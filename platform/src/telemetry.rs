//! Logs and metrics of a process.

use std::fmt;
use std::io::IsTerminal;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

mod log;

pub use log::{LogFilter, LogFormat};

use crate::config::{Read, Reader, Setting, names};
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

/// The settings of logs.
#[derive(Clone, Debug)]
pub struct TelemetryConfig {
    pub filter: LogFilter,
    pub format: LogFormat,
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
        Ok(Self {
            filter: filter?,
            format: format?,
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

/// Sends this process's logs to standard error and installs the metrics recorder. Called once per process, by a binary.
///
/// # Errors
/// A metrics recorder is already installed.
pub fn install(config: &TelemetryConfig) -> Result<Metrics, BuildError> {
    let mut subscriber = tracing_subscriber::fmt()
        .with_env_filter(config.filter.filter(config.crates))
        // A line that cannot be written is dropped. By default the failure would be reported on standard error, which
        // is what failed, and the resulting panic would end the task that logged.
        .log_internal_errors(false)
        .with_writer(std::io::stderr);
    if !std::io::stderr().is_terminal() {
        // No colours in files and log collectors.
        subscriber = subscriber.with_ansi(false);
    }
    // When a test embeds a service, a subscriber may already be installed; that one stays.
    let _ = match config.format {
        LogFormat::Json => subscriber.json().flatten_event(true).try_init(),
        LogFormat::Text => subscriber.try_init(),
    };
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
    Ok(Metrics(handle))
}
