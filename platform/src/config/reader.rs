//! Reads all settings before it fails, so that a start reports all invalid settings together.

use super::error::{ConfigError, ConfigErrors};
use super::setting::{Setting, Spec};
use super::settings::Settings;

/// Proof that the [`Reader`] has recorded an error. Only a reader creates it.
#[derive(Debug)]
pub struct Recording(());

/// A value, or the proof that the reader has recorded the error.
pub type Read<T> = Result<T, Recording>;

/// Reads settings and records errors. A section must read all its settings into variables before it returns the first
/// error; otherwise errors in the later settings would not be reported.
///
/// ```
/// # use platform::config::{Read, Reader, names};
/// fn section(reader: &mut Reader) -> Read<(u32, bool)> {
///     let pool_size = reader.get(&names::POOL_SIZE);
///     let migrate = reader.get(&names::MIGRATE);
///     Ok((pool_size?, migrate?))
/// }
/// ```
#[derive(Debug)]
pub struct Reader {
    settings: Settings,
    errors: Vec<ConfigError>,
}

impl Settings {
    /// Reads a section.
    ///
    /// # Errors
    /// All invalid settings of the section, and the errors that are independent of the section: the settings file, and
    /// an unknown key in it.
    pub fn read<T>(&self, section: impl FnOnce(&mut Reader) -> Read<T>) -> Result<T, ConfigErrors> {
        let mut reader = Reader::new(self.clone());
        let read = section(&mut reader);
        reader.finish(read)
    }
}

impl Reader {
    fn new(settings: Settings) -> Self {
        let errors = settings.errors().to_vec();
        Self { settings, errors }
    }

    /// The value or the default of a required setting.
    ///
    /// # Errors
    /// The value does not parse, or there is neither value nor default.
    pub fn get<T>(&mut self, setting: &Setting<T>) -> Read<T> {
        match self.find(setting)? {
            Some(value) => Ok(value),
            None => Err(self.require(&setting.spec, setting.spec.accepts)),
        }
    }

    /// The value or the default of an optional setting.
    ///
    /// # Errors
    /// The value does not parse.
    pub fn find<T>(&mut self, setting: &Setting<T>) -> Read<Option<T>> {
        let found = self.settings.find(setting);
        found.map_err(|error| self.record(error))
    }

    /// Whether the setting is set, and not at its default.
    #[must_use]
    pub fn is_given<T>(&self, setting: &Setting<T>) -> bool {
        self.settings.is_given(&setting.spec)
    }

    /// `setting`, or `alias` if only that has a value.
    #[must_use]
    pub fn either<'s, T>(&self, setting: &'s Setting<T>, alias: &'s Setting<T>) -> &'s Setting<T> {
        if !self.settings.is_given(&setting.spec) && self.settings.is_given(&alias.spec) {
            alias
        } else {
            setting
        }
    }

    /// Uses `text` as the value of `spec` if it has none. `origin` is the source that errors report.
    pub fn fall_back(&mut self, spec: &Spec, text: String, origin: &'static str) {
        self.settings.fall_back(spec, text, origin);
    }

    /// Records that the value of `spec` is invalid, and the accepted values.
    pub fn reject(&mut self, spec: &Spec, accepts: impl Into<String>) -> Recording {
        let error = self.settings.reject(spec, accepts.into());
        self.record(error)
    }

    /// Records that `spec` is required.
    pub fn require(&mut self, spec: &Spec, accepts: &'static str) -> Recording {
        let name = spec.name;
        self.record(ConfigError::Missing { name, accepts })
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    fn record(&mut self, error: ConfigError) -> Recording {
        // A setting that two sections read is reported once. A missing value may be in a file that could not be read.
        let is_known = self.errors.contains(&error)
            || (matches!(error, ConfigError::Missing { .. }) && self.settings.misses_file());
        if !is_known {
            self.errors.push(error);
        }
        Recording(())
    }

    fn finish<T>(self, read: Read<T>) -> Result<T, ConfigErrors> {
        match read {
            Ok(value) if self.errors.is_empty() => Ok(value),
            _ => Err(ConfigErrors::new(self.errors)),
        }
    }
}
