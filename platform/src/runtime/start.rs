//! The error of a failed start, and its exit code.

use std::error::Error;
use std::process::ExitCode;

use crate::config::{ConfigError, ConfigErrors};

/// The start failed.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Invalid settings, one line each: exit code 2.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// Any other failure: exit code 1.
    #[error("{}", describe(what, source.as_ref()))]
    Failed {
        what: String,
        /// The cause.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl StartError {
    /// A failure of `what`, such as "open the event store".
    pub fn failed(
        what: impl Into<String>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self::Failed {
            what: what.into(),
            source: source.into(),
        }
    }

    /// What a setting names is invalid, such as the content of a file. `source` names the file.
    pub fn invalid_content(
        setting: &'static str,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        let reason = chain(source.into().as_ref());
        let name = setting;
        Self::Config(ConfigErrors::new(vec![ConfigError::Content {
            name,
            reason,
        }]))
    }

    /// Prints it on standard error: one line, or one per invalid setting.
    pub(super) fn print(&self) {
        for line in self.to_string().lines() {
            eprintln!("error: {line}");
        }
    }

    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Config(_) => ExitCode::from(2),
            Self::Failed { .. } => ExitCode::from(1),
        }
    }
}

/// The operation and the cause. The operation is omitted if the cause already starts with it.
fn describe(what: &str, source: &(dyn Error + 'static)) -> String {
    let why = chain(source);
    if why.starts_with(what) {
        why
    } else {
        format!("{what}: {why}")
    }
}

/// An error with its causes in one line, without causes that the text already contains.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::process::ExitCode;

    use super::StartError;

    #[test]
    fn a_failed_start_is_one_line() {
        let error = StartError::failed("bind X", std::io::Error::other("in\nuse"));
        assert_eq!(error.to_string(), "bind X: in use");
        let error = StartError::failed("open X", std::io::Error::other("open X: locked"));
        assert_eq!(error.to_string(), "open X: locked");
        assert_eq!(error.exit_code(), ExitCode::from(1));
    }

    #[test]
    fn the_invalid_content_of_a_file_is_a_fault_of_its_setting() {
        let cause = std::io::Error::other("/etc/x.json has no\noperation");
        let error = StartError::invalid_content("OPERATIONS", cause);
        let line = "OPERATIONS: /etc/x.json has no operation";
        assert_eq!(error.to_string(), line);
        assert_eq!(error.exit_code(), ExitCode::from(2));
    }
}
