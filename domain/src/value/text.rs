//! Text of limited length, counted in Unicode scalar values.

use serde::{Deserialize, Serialize};

use crate::ValidationError;

/// How much of a rejected text an error quotes.
const SHOWN_CHARACTERS: usize = 40;

/// The description of a product or category: at most 1,000 characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Description(String);

/// The reason of an action: at most 1,000 characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Reason(String);

impl Description {
    /// # Errors
    /// Longer than 1,000 characters, or with U+0000.
    pub fn parse(field: &str, text: &str) -> Result<Self, ValidationError> {
        limited(field, text, 0, 1_000).map(|text| Self(text.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Reason {
    const MAX: usize = 1_000;

    /// # Errors
    /// Longer than 1,000 characters, or with U+0000.
    pub fn parse(field: &str, text: &str) -> Result<Self, ValidationError> {
        limited(field, text, 0, Self::MAX).map(|text| Self(text.to_owned()))
    }

    /// A reason from another program, which need not obey the rules: truncated at the limit, and without U+0000.
    #[must_use]
    pub fn shortened(text: &str) -> Self {
        Self(
            text.chars()
                .filter(|c| *c != '\0')
                .take(Self::MAX)
                .collect(),
        )
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `text`, if it has `min` to `max` characters and no U+0000.
pub(super) fn limited<'a>(
    field: &str,
    text: &'a str,
    min: usize,
    max: usize,
) -> Result<&'a str, ValidationError> {
    let length = text.chars().count();
    if length < min || length > max {
        let limit = if min == 0 {
            format!("at most {max}")
        } else {
            format!("{min} to {max}")
        };
        return Err(invalid(
            field,
            &format!("have {limit} characters, got {length}"),
        ));
    }
    if text.contains('\0') {
        return Err(invalid(
            field,
            &format!("not contain U+0000, got {}", shown(text)),
        ));
    }
    Ok(text)
}

pub(crate) fn invalid(field: &str, rule: &str) -> ValidationError {
    ValidationError {
        field: field.to_owned(),
        message: format!("{field} must {rule}"),
    }
}

/// The text in quotes, truncated if it is long.
pub(crate) fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARACTERS) {
        None => quoted(text),
        Some((end, _)) => format!("{}…", quoted(&text[..end])),
    }
}

/// The text in quotes. Only what could be taken for something else is escaped, so that names of every script stay readable:
/// quotes, controls, and characters that change the order of those around them.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        if matches!(character, '"' | '\\') || character.is_control() || is_direction(character) {
            quoted.extend(character.escape_debug());
        } else {
            quoted.push(character);
        }
    }
    quoted.push('"');
    quoted
}

/// Whether a character changes the direction or the line of the text after it.
const fn is_direction(character: char) -> bool {
    matches!(
        character,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn a_text_is_shown_as_it_is_unless_it_could_mislead() {
        for (text, expected) in [
            ("Tea", "\"Tea\""),
            ("हिन्दी चाय", "\"हिन्दी चाय\""),
            ("e\u{301}", "\"e\u{301}\""),
            ("👨\u{200d}👩", "\"👨\u{200d}👩\""),
            ("a\"b\\c\n", r#""a\"b\\c\n""#),
            ("\u{202e}x\0", r#""\u{202e}x\0""#),
        ] {
            assert_eq!(shown(text), expected);
        }
        let long = "x".repeat(1_000);
        assert!(shown(&long).len() < 200 && shown(&long).ends_with("\"…"));
    }
}
