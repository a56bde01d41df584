//! Credentials, and where they are read from.

use std::fmt;

use platform::config::{Read, Reader, Setting};

/// Replaces a secret in any output.
const STARS: &str = "***";

const A_LINE: &str = "printable ASCII characters in one line";

/// A credential. Only [`Self::reveal`] returns it; no formatter shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text; `None` unless it is printable ASCII in one line.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let line = text.trim_end_matches(['\r', '\n']);
        let printable = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
        (!line.trim().is_empty() && line.bytes().all(printable)).then(|| Self(line.to_owned()))
    }

    /// The text. The caller must not log it, or send it to anyone but its owner.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// `text` with the secret masked: a provider's error may quote the request.
    pub(super) fn hidden_in(&self, text: &str) -> String {
        text.replace(&self.0, STARS)
    }

    /// Reads the setting `value`, or the file that `file` names.
    pub(super) fn find(
        reader: &mut Reader,
        value: &Setting<String>,
        file: &Setting<String>,
    ) -> Read<Option<Self>> {
        let (given, path) = (reader.find(value), reader.find(file));
        match (given?, path?) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => {
                let accepts = format!("nothing, because {} is given too", value.spec.name);
                Err(reader.reject(&file.spec, accepts))
            }
            (Some(text), None) => Self::parse(&text)
                .map(Some)
                .ok_or_else(|| reader.reject(&value.spec, A_LINE)),
            (None, Some(path)) => Self::in_file(&path).map(Some).map_err(|why| {
                let accepts = format!("a file with {A_LINE}, but {why}");
                reader.reject(&file.spec, accepts)
            }),
        }
    }

    fn in_file(path: &str) -> Result<Self, String> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("it cannot be read: {}", error.kind()))?;
        Self::parse(&text).ok_or_else(|| "this one holds another text".to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(STARS)
    }
}
