//! Text from outside in messages: one rule for all errors, so that a value is shown in the same way wherever it is rejected.

/// How much of a text a message repeats: names and ids as a whole, of a longer text the start.
const MAX_CHARACTERS: usize = 100;

/// The text in quotes, cut after 100 characters. Only what could be taken for something else is escaped, so that text of
/// every script stays readable: quotes, controls, and characters that change the order of those around them.
///
/// ```
/// use event_sourcing::quoted;
///
/// assert_eq!(quoted("हिन्दी चाय"), "\"हिन्दी चाय\"");
/// assert_eq!(quoted("a\"b\n"), r#""a\"b\n""#);
/// assert!(quoted(&"x".repeat(101)).ends_with("x\"…"));
/// ```
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut characters = text.chars();
    let mut quoted = String::from('"');
    for character in characters.by_ref().take(MAX_CHARACTERS) {
        if matches!(character, '"' | '\\') || character.is_control() || is_direction(character) {
            quoted.extend(character.escape_debug());
        } else {
            quoted.push(character);
        }
    }
    quoted.push('"');
    if characters.next().is_some() {
        quoted.push('…');
    }
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
    use super::{MAX_CHARACTERS, quoted};

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
            assert_eq!(quoted(text), expected);
        }
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        for letter in ["x", "茶"] {
            let whole = letter.repeat(MAX_CHARACTERS);
            assert_eq!(quoted(&whole), format!("\"{whole}\""));
            assert_eq!(quoted(&format!("{whole}y")), format!("\"{whole}\"…"));
        }
    }
}
