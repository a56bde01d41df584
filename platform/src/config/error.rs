//! What is wrong with settings, each in one line.

use std::fmt;

/// A setting that stops the start. Its text names the setting, the value and what is accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The value does not parse.
    #[error("{name} is {value:?} (from {origin}); accepted: {accepts}")]
    Value {
        name: &'static str,
        /// What was given, without passwords.
        value: String,
        /// Where it came from.
        origin: &'static str,
        /// What would be right.
        accepts: String,
    },
    /// The setting has no default and was not given.
    #[error("{name} is not set; accepted: {accepts}")]
    Missing {
        name: &'static str,
        /// What would be right.
        accepts: &'static str,
    },
    /// The file given with `--config` cannot be used.
    #[error("--config is {path:?}; accepted: a TOML file with known keys, but {reason}")]
    File {
        path: String,
        /// Why not, in one line.
        reason: String,
    },
}

/// All settings that stop the start, one a line. There is at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(Vec<ConfigError>);

impl ConfigErrors {
    pub(super) fn new(errors: Vec<ConfigError>) -> Self {
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
