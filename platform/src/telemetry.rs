//! Logs and metrics of a process.

use std::fmt;
use std::io::IsTerminal;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use crate::config::{Read, Reader, Setting, names};
use crate::metric_help;

/// Upper bounds, in seconds, of the buckets that durations are counted in.
const SECONDS: &[f64] = &[
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];
/// Upper bounds of the buckets that counts are counted in.
const COUNTS: &[f64] = &[
    1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1_024.0,
];

/// Which log lines are written.
#[derive(Clone, PartialEq, Eq)]
pub struct LogFilter(String);

impl LogFilter {
    /// Reads a level or a list of directives; `None` if it is neither.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
        let known = |directive: &str| match directive.rsplit_once('=') {
            Some((_, level)) => LEVELS.contains(&level),
            None => LEVELS.contains(&directive),
        };
        let valid = text.split(',').all(known) && EnvFilter::try_new(text).is_ok();
        valid.then(|| Self(text.to_owned()))
    }

    /// The directives, with what PostgreSQL has to say that concerns nobody left out: at each start it notes that the
    /// tables are there. A filter that is stricter, or names `sqlx`, is taken at its word.
    fn directives(&self) -> String {
        let mut given = self.0.split(',');
        let is_chatty = |directive: &str| ["info", "debug", "trace"].contains(&directive);
        let quiets = given.clone().any(is_chatty) && !given.any(|text| text.starts_with("sqlx"));
        let quiet = if quiets {
            "sqlx::postgres::notice=warn,"
        } else {
            ""
        };
        format!("{quiet}{}", self.0)
    }
}

impl fmt::Debug for LogFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

impl LogFormat {
    /// Reads `LOG_FORMAT`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "json" => Some(Self::Json),
            "text" => Some(Self::Text),
            _ => None,
        }
    }
}

/// The settings of logs.
#[derive(Clone, Debug)]
pub struct TelemetryConfig {
    /// What is logged.
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
        self.0.render()
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

#[cfg(test)]
mod tests {
    use tracing::Level;
    use tracing::subscriber::with_default;
    use tracing_subscriber::EnvFilter;

    use super::LogFilter;

    #[test]
    fn a_filter_is_a_level_or_a_list() {
        for good in ["info", "warn,sqlx=error", "off"] {
            assert!(LogFilter::parse(good).is_some(), "{good}");
        }
        for bad in ["", "loud", "sqlx=loud", "a=b=c"] {
            assert!(LogFilter::parse(bad).is_none(), "{bad}");
        }
    }

    /// Which of PostgreSQL's notes and warnings, and of our own notes, a filter lets through.
    fn heard(filter: &str) -> [bool; 3] {
        const TARGET: &str = "sqlx::postgres::notice";
        let filter = LogFilter::parse(filter).expect("a filter").directives();
        let subscriber = tracing_subscriber::fmt().with_env_filter(EnvFilter::new(filter));
        with_default(subscriber.finish(), || {
            [
                tracing::enabled!(target: TARGET, Level::INFO),
                tracing::enabled!(target: TARGET, Level::WARN),
                tracing::enabled!(Level::INFO),
            ]
        })
    }

    #[test]
    fn what_postgres_merely_notes_is_left_out_unless_it_is_asked_for() {
        assert_eq!(heard("info"), [false, true, true]);
        assert_eq!(heard("warn,platform=debug"), [false, true, true]);
        assert_eq!(heard("error"), [false, false, false]);
        assert_eq!(heard("info,sqlx=info"), [true, true, true]);
    }
}
