//! The sources of settings, and their precedence.

use std::collections::BTreeMap;
use std::fmt;

use clap::ArgMatches;

use super::error::ConfigError;
use super::file::flatten;
use super::flags::CONFIG;
use super::names;
use super::setting::{Secrecy, Setting, Spec};
use super::shown::shown;

const ENVIRONMENT: &str = "the environment";
const FILE: &str = "the settings file";

/// The sources of settings, in order of precedence.
#[derive(Clone, Default)]
pub struct Layers {
    /// Flags, by the settings' names.
    pub flags: BTreeMap<String, String>,
    pub environment: BTreeMap<String, String>,
    /// The settings file: its path and its text.
    pub file: Option<(String, String)>,
}

/// All given settings as text, before they are parsed.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    values: BTreeMap<&'static str, Given>,
    /// Errors that are independent of which settings are read.
    errors: Vec<ConfigError>,
    misses_file: bool,
    /// The path of the settings file.
    file: Option<String>,
}

#[derive(Clone)]
struct Given {
    text: String,
    origin: &'static str,
}

/// Values may be secrets, so they are not shown.
impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "from {}", self.origin)
    }
}

impl fmt::Debug for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layers")
            .field("flags", &self.flags.keys())
            .field("environment", &self.environment.keys())
            .field("file", &self.file.as_ref().map(|(path, _)| path))
            .finish()
    }
}

impl Settings {
    /// Collects flags, this process's environment and the file that `--config` names. Errors in them are reported by
    /// [`Settings::read`].
    #[must_use]
    pub fn from_process(matches: &ArgMatches) -> Self {
        Self::from_process_with(matches, &[])
    }

    /// Like [`from_process`](Self::from_process), for a process with settings that are not in [`names`].
    #[must_use]
    pub fn from_process_with(matches: &ArgMatches, own: &[Spec]) -> Self {
        let known = [names::ALL, own].concat();
        let mut errors = Vec::new();
        let flags = known
            .iter()
            .filter_map(|spec| {
                let value = matches.try_get_one::<String>(spec.name).ok()??;
                Some((spec.name.to_owned(), value.clone()))
            })
            .collect();
        let mut environment = BTreeMap::new();
        for spec in &known {
            let Some(value) = std::env::var_os(spec.name) else {
                continue;
            };
            match value.into_string() {
                Ok(text) => {
                    environment.insert(spec.name.to_owned(), text);
                }
                Err(value) => errors.push(ConfigError::Value {
                    name: spec.name,
                    value: shown(spec.secrecy, &value.to_string_lossy()),
                    origin: ENVIRONMENT,
                    accepts: format!("{}, in UTF-8", spec.accepts),
                }),
            }
        }
        let path = matches.get_one::<String>(CONFIG);
        let file = path.map(|path| std::fs::read_to_string(path).map(|text| (path.clone(), text)));
        let (file, unread) = match (path, file.transpose()) {
            (Some(path), Err(error)) => {
                let (path, reason) = (path.clone(), format!("it cannot be read: {error}"));
                errors.push(ConfigError::File { path, reason });
                (None, true)
            }
            (_, file) => (file.unwrap_or_default(), false),
        };
        let layers = Layers {
            flags,
            environment,
            file,
        };
        let mut settings = Self::from_known(layers, &known);
        settings.misses_file |= unread;
        settings.errors.splice(0..0, errors);
        settings
    }

    /// Collects the given layers.
    #[must_use]
    pub fn from_layers(layers: Layers) -> Self {
        Self::from_known(layers, names::ALL)
    }

    /// Collects variables of an environment; there are no flags and no file.
    #[must_use]
    pub fn from_environment<N, V>(variables: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<String>,
        V: Into<String>,
    {
        let variables = variables.into_iter();
        Self::from_layers(Layers {
            environment: variables
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
            ..Layers::default()
        })
    }

    fn from_known(layers: Layers, known: &[Spec]) -> Self {
        let mut settings = Self::default();
        if let Some((path, text)) = layers.file {
            settings.file = Some(path.clone());
            let file = flatten(&path, &text, known);
            settings.add(FILE, &file.values, known);
            settings.misses_file = !file.is_whole;
            settings.errors = file.errors;
        }
        settings.add(ENVIRONMENT, &layers.environment, known);
        settings.add("a flag", &layers.flags, known);
        settings
    }

    /// The value, the setting's default, or `None`.
    pub(super) fn find<T>(&self, setting: &Setting<T>) -> Result<Option<T>, ConfigError> {
        let spec = &setting.spec;
        let (text, origin) = match (self.values.get(spec.name), spec.default) {
            (Some(given), _) => (given.text.as_str(), given.origin),
            (None, Some(default)) => (default, "the default"),
            (None, None) => return Ok(None),
        };
        let rejected = |accepts: String| ConfigError::Value {
            name: spec.name,
            value: shown(spec.secrecy, text),
            origin,
            accepts,
        };
        if spec.secrecy != Secrecy::Everything && is_quoted(text) {
            return Err(rejected(format!("{}, without quotes", spec.accepts)));
        }
        let value = Some(text).filter(|text| !text.is_empty());
        match value.and_then(setting.parse) {
            Some(value) => Ok(Some(value)),
            None => Err(rejected(spec.accepts.to_owned())),
        }
    }

    pub(super) fn is_given(&self, spec: &Spec) -> bool {
        self.values.contains_key(spec.name)
    }

    /// The text of a setting that has one, and where it came from.
    pub(super) fn given(&self, spec: &Spec) -> Option<(&str, String)> {
        let given = self.values.get(spec.name)?;
        let origin = match &self.file {
            Some(path) if given.origin == FILE => format!("{FILE} {path}"),
            _ => given.origin.to_owned(),
        };
        Some((&given.text, origin))
    }

    pub(super) fn errors(&self) -> &[ConfigError] {
        &self.errors
    }

    /// Whether there is a settings file whose values are unknown.
    pub(super) fn misses_file(&self) -> bool {
        self.misses_file
    }

    pub(super) fn fall_back(&mut self, spec: &Spec, text: String, origin: &'static str) {
        self.values
            .entry(spec.name)
            .or_insert(Given { text, origin });
    }

    /// An error about the current value of `spec`.
    pub(super) fn reject(&self, spec: &Spec, accepts: String) -> ConfigError {
        let given = self.values.get(spec.name);
        ConfigError::Value {
            name: spec.name,
            value: given.map_or_else(
                || spec.default.unwrap_or_default().to_owned(),
                |given| shown(spec.secrecy, &given.text),
            ),
            origin: given.map_or("the default", |given| given.origin),
            accepts,
        }
    }

    fn add(&mut self, origin: &'static str, layer: &BTreeMap<String, String>, known: &[Spec]) {
        for spec in known {
            let given = layer.get(spec.name).map(|text| match spec.secrecy {
                // Not trimmed: a blank may be part of a secret.
                Secrecy::Everything => text.as_str(),
                // Removes, for example, the carriage return of a file that was written on another system.
                Secrecy::Password | Secrecy::Credentials => text.trim(),
            });
            // An empty variable counts as unset, but an empty flag or key is an error: it was given on purpose.
            let given = given.filter(|text| !text.is_empty() || origin != ENVIRONMENT);
            if let Some(text) = given {
                let text = text.to_owned();
                self.values.insert(spec.name, Given { text, origin });
            }
        }
    }
}

/// Environment files that are not shell scripts retain quotes, which would become part of the value.
fn is_quoted(text: &str) -> bool {
    ['"', '\'']
        .iter()
        .any(|quote| text.starts_with(*quote) || text.ends_with(*quote))
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
