//! Errors of settings, one line each.

use std::fmt;

/// A setting that prevents the start. The message has the setting, the value and the accepted values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The value does not parse.
    #[error("{name} is {value:?} (from {origin}); accepted: {accepts}")]
    Value {
        name: &'static str,
        /// The given value, without passwords.
        value: String,
        /// The source of the value.
        origin: &'static str,
        /// The accepted values.
        accepts: String,
    },
    /// The setting has no default and no value.
    #[error("{name} is not set; accepted: {accepts}")]
    Missing {
        name: &'static str,
        /// The accepted values.
        accepts: &'static str,
    },
    /// The value parses, but what it names cannot be used: the content of a file or folder is invalid.
    #[error("{name}: {reason}")]
    Content {
        name: &'static str,
        /// The file and the cause, in one line.
        reason: String,
    },
    /// The file given with `--config` cannot be used.
    #[error("--config is {path:?}; accepted: a TOML file with known keys, but {reason}")]
    File {
        path: String,
        /// The cause, in one line.
        reason: String,
    },
}

/// All errors that prevent the start, one per line. There is at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(Vec<ConfigError>);

impl ConfigErrors {
    pub(crate) fn new(errors: Vec<ConfigError>) -> Self {
        Self(errors)
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}
