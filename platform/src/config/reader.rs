//! Settings are read to the end, so that a start names all that are wrong at once.

use super::error::{ConfigError, ConfigErrors};
use super::setting::{Setting, Spec};
use super::settings::Settings;

/// A setting is wrong. The [`Reader`] has recorded how, and only a reader makes one.
#[derive(Debug)]
pub struct Wrong(());

/// A value, or the word that the reader has recorded why there is none.
pub type Read<T> = Result<T, Wrong>;

/// Reads settings and records what is wrong with them. A section reads all its settings into variables before it
/// returns at the first that is wrong; otherwise the rest would stay unread.
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
    /// Reads a section, to its end.
    ///
    /// # Errors
    /// All settings of it that are wrong, and what is wrong whoever reads: the settings file, an unknown key in it, a
    /// setting that this version does not support.
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

    /// The value, or the setting's default. There must be one.
    ///
    /// # Errors
    /// The value does not parse, or there is neither value nor default.
    pub fn get<T>(&mut self, setting: &Setting<T>) -> Read<T> {
        match self.find(setting)? {
            Some(value) => Ok(value),
            None => Err(self.require(&setting.spec, setting.spec.accepts)),
        }
    }

    /// The value, or the setting's default, or nothing.
    ///
    /// # Errors
    /// The value does not parse.
    pub fn find<T>(&mut self, setting: &Setting<T>) -> Read<Option<T>> {
        let found = self.settings.find(setting);
        found.map_err(|error| self.record(error))
    }

    /// `setting`, or `alias` if only that was given a value.
    #[must_use]
    pub fn either<'s, T>(&self, setting: &'s Setting<T>, alias: &'s Setting<T>) -> &'s Setting<T> {
        if !self.settings.is_given(&setting.spec) && self.settings.is_given(&alias.spec) {
            alias
        } else {
            setting
        }
    }

    /// Reads `text` for `spec` from now on if nobody gave it a value. `origin` says in errors where it came from.
    pub fn fall_back(&mut self, spec: &Spec, text: String, origin: &'static str) {
        self.settings.fall_back(spec, text, origin);
    }

    /// Records that the value of `spec` is wrong, and what would be accepted.
    pub fn refuse(&mut self, spec: &Spec, accepts: impl Into<String>) -> Wrong {
        let error = self.settings.refuse(spec, accepts.into());
        self.record(error)
    }

    /// Records that `spec` must be given.
    pub fn require(&mut self, spec: &Spec, accepts: &'static str) -> Wrong {
        let name = spec.name;
        self.record(ConfigError::Missing { name, accepts })
    }

    fn record(&mut self, error: ConfigError) -> Wrong {
        // A setting that two sections read is wrong once. What is missing may be in a file that could not be read.
        let is_known = self.errors.contains(&error)
            || (matches!(error, ConfigError::Missing { .. }) && self.settings.misses_file());
        if !is_known {
            self.errors.push(error);
        }
        Wrong(())
    }

    fn finish<T>(self, read: Read<T>) -> Result<T, ConfigErrors> {
        match read {
            Ok(value) if self.errors.is_empty() => Ok(value),
            _ => Err(ConfigErrors::new(self.errors)),
        }
    }
}
