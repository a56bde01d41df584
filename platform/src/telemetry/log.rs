//! The filter and the format of logs.

use std::fmt;

use event_sourcing::trace;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{Builder, LevelFilter};

/// Name prefixes of this project's crates that services consist of.
const OUR_CRATES: &[&str] = &[
    "authentication",
    "client_service",
    "command_database",
    "command_service",
    "contract",
    "domain",
    "event_handler_sql",
    "event_sourcing",
    "event_store",
    "graphql_http",
    "grpc_calls",
    "idempotency_sql",
    "platform",
    "providers",
    "query_service",
    "read_model_sql",
    "sagas",
    "shop",
    "sql_database",
];

/// A filter of log lines.
#[derive(Clone, PartialEq, Eq)]
pub struct LogFilter(String);

impl LogFilter {
    /// Parses a level or a list of directives; `None` if it is neither.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
        let known = |directive: &str| match directive.rsplit_once('=') {
            Some((_, level)) => LEVELS.contains(&level),
            None => LEVELS.contains(&directive),
        };
        let valid = text.split(',').all(known) && builder().parse(text).is_ok();
        valid.then(|| Self(text.to_owned()))
    }

    /// The filter, with `more` of our own crates.
    pub(super) fn filter(&self, more: &[&str]) -> EnvFilter {
        let builder = builder().with_default_directive(LevelFilter::ERROR.into());
        builder.parse_lossy(self.directives(more))
    }

    /// The directives. A bare level applies to our own crates and to `more`. Other libraries log from `warn` on, since at `debug` the
    /// frames of HTTP/2 alone would bury everything else. The database driver logs from `error` on, since its callers
    /// log their own failures, and so does HTTP/2, whose warnings every client can cause. Explicitly named targets are unchanged.
    fn directives(&self, more: &[&str]) -> String {
        // The more specific directive wins, and the later one of two for the same target; so named targets are last.
        let (named, levels): (Vec<_>, Vec<_>) =
            self.0.split(',').partition(|one| one.contains('='));
        let levels = levels.into_iter().map(|level| match level {
            "warn" => format!("warn,{QUIET}"),
            "info" | "debug" | "trace" => {
                let ours = OUR_CRATES
                    .iter()
                    .chain(more)
                    .map(|name| format!("{name}={level}"));
                let all: Vec<_> = ours.chain(["warn".to_owned(), QUIET.to_owned()]).collect();
                all.join(",")
            }
            _ => level.to_owned(),
        });
        let named = named.into_iter().map(str::to_owned);
        // Spans of traces are not for logs.
        let no_spans = [format!("{}=off", trace::TARGET)];
        let all: Vec<_> = levels.chain(named).chain(no_spans).collect();
        all.join(",")
    }
}

/// The values of fields in directives are texts: as regular expressions, short ones could take minutes to compile.
fn builder() -> Builder {
    EnvFilter::builder().with_regex(false)
}

impl fmt::Debug for LogFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The levels of libraries whose callers log what went wrong, unless they are named explicitly.
const QUIET: &str = "sqlx=error,h2=error,rustls=error";

/// The format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object per line.
    Json,
    Text,
}

impl LogFormat {
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "json" => Some(Self::Json),
            "text" => Some(Self::Text),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use tracing::Level;
    use tracing::subscriber::with_default;

    use super::{LogFilter, OUR_CRATES};

    #[test]
    fn a_filter_is_a_level_or_a_list() {
        for good in ["info", "warn,sqlx=error", "off"] {
            assert!(LogFilter::parse(good).is_some(), "{good}");
        }
        for bad in ["", "loud", "sqlx=loud", "a=b=c"] {
            assert!(LogFilter::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn the_value_of_a_field_is_no_regular_expression() {
        let filter = "[request{path=(}]=debug";
        let parsed = LogFilter::parse(filter).expect("a filter");
        assert!(parsed.filter(&[]).to_string().contains(filter));
    }

    /// Which of these targets and levels the filter enables.
    fn enabled_levels(filter: &str) -> [bool; 5] {
        let filter = LogFilter::parse(filter).expect("a filter").filter(&[]);
        let subscriber = tracing_subscriber::fmt().with_env_filter(filter);
        with_default(subscriber.finish(), || {
            [
                tracing::enabled!(target: "h2::codec", Level::DEBUG),
                tracing::enabled!(target: "sqlx::postgres::notice", Level::INFO),
                tracing::enabled!(target: "some_library", Level::WARN),
                tracing::enabled!(target: "query_service::app", Level::INFO),
                tracing::enabled!(Level::DEBUG),
            ]
        })
    }

    #[test]
    fn a_level_applies_to_our_crates_and_to_libraries_only_when_named() {
        assert_eq!(enabled_levels("info"), [false, false, true, true, false]);
        assert_eq!(enabled_levels("debug"), [false, false, true, true, true]);
        assert_eq!(enabled_levels("trace"), [false, false, true, true, true]);
        assert_eq!(enabled_levels("warn"), [false, false, true, false, false]);
        assert_eq!(enabled_levels("error"), [false; 5]);
        assert_eq!(enabled_levels("off"), [false; 5]);
        assert_eq!(
            enabled_levels("debug,h2=debug"),
            [true, false, true, true, true]
        );
        assert_eq!(
            enabled_levels("h2=debug,debug"),
            [true, false, true, true, true]
        );
        assert_eq!(
            enabled_levels("info,sqlx=info"),
            [false, true, true, true, false]
        );
        assert_eq!(
            enabled_levels("info,platform=debug"),
            [false, false, true, true, true]
        );
        assert_eq!(
            enabled_levels("platform=debug,info"),
            [false, false, true, true, true]
        );
        assert_eq!(
            enabled_levels("debug,platform=warn"),
            [false, false, true, true, false]
        );
        assert_eq!(
            enabled_levels("warn,platform=debug"),
            [false, false, true, false, true]
        );
    }

    #[test]
    fn spans_of_traces_are_never_logged() {
        for filter in ["trace", "trace=trace", "info,trace=info"] {
            let filter = LogFilter::parse(filter).expect("a filter").filter(&[]);
            let subscriber = tracing_subscriber::fmt().with_env_filter(filter);
            let is_logged = with_default(
                subscriber.finish(),
                || tracing::enabled!(target: event_sourcing::trace::TARGET, Level::INFO),
            );
            assert!(!is_logged);
        }
    }

    #[test]
    fn libraries_whose_callers_log_failures_log_from_error_on_unless_they_are_named() {
        let enabled = |filter: &str| {
            let filter = LogFilter::parse(filter).expect("a filter").filter(&[]);
            let subscriber = tracing_subscriber::fmt().with_env_filter(filter);
            with_default(subscriber.finish(), || {
                [
                    tracing::enabled!(target: "sqlx::pool::acquire", Level::WARN),
                    tracing::enabled!(target: "h2::proto::streams::recv", Level::WARN),
                    // Clients can cause these lines without a token.
                    tracing::enabled!(target: "rustls::msgs::handshake", Level::WARN),
                ]
            })
        };
        for level in ["error", "warn", "info", "debug"] {
            assert_eq!(enabled(level), [false; 3], "{level}");
        }
        assert_eq!(enabled("info,sqlx=warn"), [true, false, false]);
        assert_eq!(enabled("sqlx=warn,warn"), [true, false, false]);
        assert_eq!(enabled("info,h2=warn"), [false, true, false]);
    }

    /// A crate missing from the list would not log at `info`.
    #[test]
    fn every_crate_of_a_service_is_in_the_list() {
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
        let manifest = std::fs::read_to_string(manifest).expect("the manifest of the workspace");
        let manifest: toml::Table = manifest.parse().expect("TOML");
        let members = manifest["workspace"]["members"].as_array().expect("a list");
        let members = members.iter().filter_map(|member| member.as_str());
        let is_of_a_service = |member: &&str| {
            let others = ["tools/", "e2e", "benches", "kernel/event-store-conformance"];
            !others.iter().any(|other| member.starts_with(other))
        };
        let crates: Vec<_> = members
            .filter(is_of_a_service)
            .filter_map(|member| member.rsplit('/').next())
            .map(|name| name.replace('-', "_"))
            .collect();
        for name in &crates {
            let is_ours = OUR_CRATES.iter().any(|ours| name.starts_with(ours));
            assert!(is_ours, "{name} is not in the list");
        }
        for ours in OUR_CRATES {
            let is_there = crates.iter().any(|name| name.starts_with(ours));
            assert!(is_there, "there is no crate {ours}");
        }
    }
}
