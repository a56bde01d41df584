//! Why a process does not start, and the exit code for it.

use std::error::Error;
use std::process::ExitCode;

use crate::config::ConfigErrors;

/// A start that failed.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Settings are wrong: exit code 2. One line each.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// Something else: exit code 1.
    #[error("{}", describe(what, source.as_ref()))]
    Failed {
        what: String,
        /// Why it did not work.
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

    /// Writes it to standard error: one line, or one for each setting that is wrong.
    pub(super) fn print(&self) {
        for line in self.to_string().lines() {
            eprintln!("error: {line}");
        }
    }

    /// The process's exit code.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Config(_) => ExitCode::from(2),
            Self::Failed { .. } => ExitCode::from(1),
        }
    }
}

/// What was tried and why it did not work; said once if the error begins with the same words.
fn describe(what: &str, source: &(dyn Error + 'static)) -> String {
    let why = chain(source);
    if why.starts_with(what) {
        why
    } else {
        format!("{what}: {why}")
    }
}

/// An error with its causes in one line, leaving out those that the one above repeats.
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
    use super::StartError;

    #[test]
    fn a_failed_start_is_one_line() {
        let error = StartError::failed("bind X", std::io::Error::other("in\nuse"));
        assert_eq!(error.to_string(), "bind X: in use");
        let error = StartError::failed("open X", std::io::Error::other("open X: locked"));
        assert_eq!(error.to_string(), "open X: locked");
    }
}
