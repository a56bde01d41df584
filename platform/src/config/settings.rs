//! The layers that settings come from, and how a value is found in them.

use std::collections::BTreeMap;
use std::fmt;

use clap::ArgMatches;

use super::error::ConfigError;
use super::flags::CONFIG;
use super::names;
use super::setting::{Secrecy, Setting, Spec};
use super::unsupported;
use super::values::shown;

/// The sources of settings, the strongest first in the struct.
#[derive(Clone, Default)]
pub struct Layers {
    /// Flags, by the settings' names.
    pub flags: BTreeMap<String, String>,
    /// Environment variables.
    pub environment: BTreeMap<String, String>,
    /// The settings file: its path and its text.
    pub file: Option<(String, String)>,
}

/// All settings as they were given, before anybody reads them as what they mean.
#[derive(Clone, Debug)]
pub struct Settings {
    values: BTreeMap<&'static str, Given>,
}

#[derive(Clone)]
struct Given {
    text: String,
    origin: &'static str,
}

/// Values may be secrets, so none is shown.
impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "from {}", self.origin)
    }
}

/// As for [`Given`].
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
    /// Reads flags, this process's environment and the file that `--config` names.
    ///
    /// # Errors
    /// The file cannot be read, holds an unknown key, or a setting is given that this version does not support.
    pub fn from_process(matches: &ArgMatches) -> Result<Self, ConfigError> {
        let flags = names::ALL
            .iter()
            .filter_map(|spec| {
                let value = matches.try_get_one::<String>(spec.name).ok()??;
                Some((spec.name.to_owned(), value.clone()))
            })
            .collect();
        let environment = names::ALL
            .iter()
            .filter_map(|spec| Some((spec.name.to_owned(), std::env::var(spec.name).ok()?)))
            .collect();
        let file = match matches.get_one::<String>(CONFIG) {
            None => None,
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|error| ConfigError::File {
                    path: path.clone(),
                    reason: format!("it cannot be read: {error}"),
                })?;
                Some((path.clone(), text))
            }
        };
        Self::from_layers(Layers {
            flags,
            environment,
            file,
        })
    }

    /// Reads the given layers; what tests use.
    ///
    /// # Errors
    /// As [`Settings::from_process`].
    pub fn from_layers(layers: Layers) -> Result<Self, ConfigError> {
        let mut values = BTreeMap::new();
        if let Some((path, text)) = layers.file {
            let flat = flatten(&path, &text)?;
            add(&mut values, "the settings file", &flat);
        }
        add(&mut values, "the environment", &layers.environment);
        add(&mut values, "a flag", &layers.flags);
        let settings = Self { values };
        unsupported::refuse_unsupported(&settings)?;
        Ok(settings)
    }

    /// The value, or the setting's default.
    ///
    /// # Errors
    /// The value does not parse, or there is neither value nor default.
    pub fn get<T>(&self, setting: &Setting<T>) -> Result<T, ConfigError> {
        self.find(setting)?.ok_or(ConfigError::Missing {
            name: setting.spec.name,
            accepts: setting.spec.accepts,
        })
    }

    /// The value, or the setting's default, or nothing.
    ///
    /// # Errors
    /// The value does not parse.
    pub fn find<T>(&self, setting: &Setting<T>) -> Result<Option<T>, ConfigError> {
        let spec = &setting.spec;
        let (text, origin) = match (self.values.get(spec.name), spec.default) {
            (Some(given), _) => (given.text.as_str(), given.origin),
            (None, Some(default)) => (default, "the default"),
            (None, None) => return Ok(None),
        };
        let refused = |accepts: String| ConfigError::Value {
            name: spec.name,
            value: shown(spec.secrecy, text),
            origin,
            accepts,
        };
        if spec.secrecy != Secrecy::Everything && is_quoted(text) {
            return Err(refused(format!("{}, without quotes", spec.accepts)));
        }
        match (setting.parse)(text) {
            Some(value) => Ok(Some(value)),
            None => Err(refused(spec.accepts.to_owned())),
        }
    }

    /// The value of `setting`, or else of `alias`.
    ///
    /// # Errors
    /// The value does not parse, or neither is given.
    pub fn get_or<T>(&self, setting: &Setting<T>, alias: &Setting<T>) -> Result<T, ConfigError> {
        if !self.is_given(&setting.spec)
            && let Some(value) = self.find(alias)?
        {
            return Ok(value);
        }
        self.get(setting)
    }

    /// Whether somebody gave the setting a value.
    #[must_use]
    pub fn is_given(&self, spec: &Spec) -> bool {
        self.values.contains_key(spec.name)
    }

    /// The same, with `text` for `spec` if nobody gave it a value. `origin` says in errors where it came from.
    #[must_use]
    pub fn fall_back(mut self, spec: &Spec, text: String, origin: &'static str) -> Self {
        self.values
            .entry(spec.name)
            .or_insert(Given { text, origin });
        self
    }

    /// An error about the value that `spec` has here.
    #[must_use]
    pub fn refuse(&self, spec: &Spec, accepts: impl Into<String>) -> ConfigError {
        let given = self.values.get(spec.name);
        ConfigError::Value {
            name: spec.name,
            value: given.map_or_else(
                || spec.default.unwrap_or_default().to_owned(),
                |given| shown(spec.secrecy, &given.text),
            ),
            origin: given.map_or("the default", |given| given.origin),
            accepts: accepts.into(),
        }
    }
}

/// Files of variables that are no shell scripts keep their quotes, which would become part of a name.
fn is_quoted(text: &str) -> bool {
    ['"', '\'']
        .iter()
        .any(|quote| text.starts_with(*quote) || text.ends_with(*quote))
}

fn add(
    values: &mut BTreeMap<&'static str, Given>,
    origin: &'static str,
    layer: &BTreeMap<String, String>,
) {
    for spec in names::ALL {
        let given = layer.get(spec.name).map(|text| match spec.secrecy {
            // A blank may be part of it.
            Secrecy::Everything => text.as_str(),
            // Such as the carriage return of a file that was written elsewhere.
            Secrecy::Password | Secrecy::Credentials => text.trim(),
        });
        if let Some(text) = given.filter(|text| !text.is_empty()) {
            let text = text.to_owned();
            values.insert(spec.name, Given { text, origin });
        }
    }
}

/// The file's values by variable name.
fn flatten(path: &str, text: &str) -> Result<BTreeMap<String, String>, ConfigError> {
    let refuse = |reason: String| ConfigError::File {
        path: path.to_owned(),
        reason,
    };
    let table: toml::Table = text
        .parse()
        .map_err(|error: toml::de::Error| refuse(one_line(error.message())))?;
    let mut flat = BTreeMap::new();
    let mut open = vec![(String::new(), table)];
    while let Some((prefix, table)) = open.pop() {
        for (key, value) in table {
            let name = format!("{prefix}{}", key.to_ascii_uppercase());
            let value = match value {
                toml::Value::Table(inner) => {
                    open.push((format!("{name}_"), inner));
                    continue;
                }
                toml::Value::String(text) => text,
                toml::Value::Integer(number) => number.to_string(),
                toml::Value::Float(number) => number.to_string(),
                toml::Value::Boolean(truth) => truth.to_string(),
                toml::Value::Datetime(_) | toml::Value::Array(_) => {
                    return Err(refuse(format!(
                        "{name} is neither text, number nor boolean"
                    )));
                }
            };
            if !names::ALL.iter().any(|spec| spec.name == name) {
                return Err(refuse(format!("no setting is called {name}")));
            }
            flat.insert(name, value);
        }
    }
    Ok(flat)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
