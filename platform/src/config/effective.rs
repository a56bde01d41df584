//! The settings that are in effect, for operators.

use super::reader::Reader;
use super::setting::Spec;
use super::shown::shown;

/// A setting with its value and where that came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EffectiveSetting {
    pub name: &'static str,
    /// Without passwords and other secrets; `None` if there is neither a value nor a default.
    pub value: Option<String>,
    /// Such as `a flag`.
    pub origin: String,
}

impl Reader {
    /// These settings as they are in effect after what was read so far: sections set defaults that depend on other settings.
    #[must_use]
    pub fn effective(&self, specs: &[Spec]) -> Vec<EffectiveSetting> {
        let of = |spec: &Spec| {
            let (value, origin) = match (self.settings().given(spec), spec.default) {
                (Some((text, origin)), _) => (Some(shown(spec.secrecy, text)), origin),
                (None, Some(default)) => (Some(default.to_owned()), "the default".to_owned()),
                (None, None) => (None, "not set".to_owned()),
            };
            EffectiveSetting {
                name: spec.name,
                value,
                origin,
            }
        };
        specs.iter().map(of).collect()
    }
}
