//! Splits a document into tokens (section 2.1 of the specification), and limits their number.
//!
//! Later phases recurse over brackets and take time for each token, so both are limited here, in one pass.

use async_graphql::Pos;
use event_sourcing::quoted;

use super::syntax::syntax;
use super::text::Text;
use crate::errors::{ApiError, Code};

/// The maximum nesting of brackets of all kinds. The depth limits are stricter, but do not include values and types.
const MAX_BRACKETS: usize = 64;
const MAX_TOKENS: usize = 3_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind<'a> {
    /// `! $ & ( ) : = @ [ ] { | }`
    Mark(char),
    Spread,
    /// A name or a keyword.
    Name(&'a str),
    /// A number without a fraction.
    Int(&'a str),
    /// A number with a fraction or an exponent.
    Float(&'a str),
    /// The value of a string.
    String(String),
}

/// A token and its location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    pub kind: Kind<'a>,
    pub pos: Pos,
}

/// The tokens, and the location of the end.
///
/// # Errors
/// The text is not GraphQL, is nested too deeply, or has too many tokens.
pub fn tokens(text: &str) -> Result<(Vec<Token<'_>>, Pos), ApiError> {
    let mut text = Text::new(text);
    let mut tokens = Vec::new();
    let mut open = 0_usize;
    loop {
        skip_ignored(&mut text);
        let pos = text.pos();
        let Some(first) = text.peek() else {
            return Ok((tokens, pos));
        };
        let kind = match first {
            '"' => Kind::String(text.string()?),
            '-' | '0'..='9' => number(&mut text)?,
            'a'..='z' | 'A'..='Z' | '_' => Kind::Name(text.take_while(is_name)),
            '.' if text.rest().starts_with("...") => {
                text.skip(3);
                Kind::Spread
            }
            '!' | '$' | '&' | '(' | ')' | ':' | '=' | '@' | '[' | ']' | '{' | '|' | '}' => {
                text.skip(1);
                Kind::Mark(first)
            }
            other => {
                let message = format!("{} does not start a token", quoted(&other.to_string()));
                return Err(syntax(pos, message));
            }
        };
        match kind {
            Kind::Mark('(' | '[' | '{') => open += 1,
            Kind::Mark(')' | ']' | '}') => open = open.saturating_sub(1),
            _ => {}
        }
        if open > MAX_BRACKETS {
            let message = format!("brackets are nested at most {MAX_BRACKETS} deep");
            return Err(ApiError::at_location(Code::QueryTooDeep, message, pos));
        }
        if tokens.len() == MAX_TOKENS {
            let message = format!("a query has at most {MAX_TOKENS} tokens");
            return Err(ApiError::at_location(Code::QueryTooComplex, message, pos));
        }
        tokens.push(Token { kind, pos });
    }
}

fn skip_ignored(text: &mut Text<'_>) {
    while let Some(next) = text.peek() {
        match next {
            '\u{feff}' | ' ' | '\t' | '\n' | '\r' | ',' => text.skip(1),
            '#' => _ = text.take_while(|c| !matches!(c, '\n' | '\r')),
            _ => return,
        }
    }
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Reads a number. It must not be followed directly by a character of a number or name.
fn number<'a>(text: &mut Text<'a>) -> Result<Kind<'a>, ApiError> {
    let (start, all) = (text.pos(), text.rest());
    let wrong = |text: &Text<'_>, problem: &str| {
        let read = &all[..all.len() - text.rest().len()];
        let next = text.peek().map_or(String::new(), |c| c.to_string());
        Err(syntax(
            start,
            format!("{read}{next} is not a number: {problem}"),
        ))
    };
    if text.peek() == Some('-') {
        text.skip(1);
    }
    let whole = text.take_while(|c| c.is_ascii_digit());
    match whole.as_bytes() {
        [] => return wrong(text, "a digit is missing"),
        [b'0', _, ..] => return wrong(text, "it must not start with 0"),
        _ => {}
    }
    let mut is_float = false;
    if text.peek() == Some('.') {
        is_float = true;
        text.skip(1);
        if text.take_while(|c| c.is_ascii_digit()).is_empty() {
            return wrong(text, "a digit must follow the point");
        }
    }
    if matches!(text.peek(), Some('e' | 'E')) {
        is_float = true;
        text.skip(1);
        if matches!(text.peek(), Some('+' | '-')) {
            text.skip(1);
        }
        if text.take_while(|c| c.is_ascii_digit()).is_empty() {
            return wrong(text, "a digit must follow the exponent's sign");
        }
    }
    if text.peek().is_some_and(|next| next == '.' || is_name(next)) {
        return wrong(text, "a separator must follow it");
    }
    let read = &all[..all.len() - text.rest().len()];
    Ok(if is_float {
        Kind::Float(read)
    } else {
        Kind::Int(read)
    })
}

#[cfg(test)]
mod tests {
    use super::tokens;
    use crate::errors::Code;

    #[test]
    fn brackets_and_tokens_are_limited() {
        let code = |query: &str| tokens(query).err().map(|error| error.code);
        assert_eq!(code(&format!("{}{}", "{".repeat(64), "}".repeat(64))), None);
        assert_eq!(code(&"{".repeat(65)), Some(Code::QueryTooDeep));
        assert_eq!(code(&"[".repeat(50_000)), Some(Code::QueryTooDeep));
        assert_eq!(code(&"a ".repeat(3_000)), None);
        assert_eq!(code(&"a ".repeat(3_001)), Some(Code::QueryTooComplex));
        assert_eq!(code(&format!("{{ a(b: \"{}\") }}", "{".repeat(100))), None);
        assert_eq!(code(&format!("{{ a }} # {}", "[".repeat(100))), None);
        let block = format!("{{ a(b: \"\"\"{}\"\"\") }}", "[\" ".repeat(100));
        assert_eq!(code(&block), None);
    }

    #[test]
    fn a_location_counts_all_line_terminators_and_columns_in_characters() {
        let (tokens, end) = tokens("\u{feff}a\r\n b\rc\n\n  \"Ä\" d\n").expect("tokens");
        let places: Vec<_> = tokens.iter().map(|t| (t.pos.line, t.pos.column)).collect();
        assert_eq!(places, [(1, 2), (2, 2), (3, 1), (5, 3), (5, 7)]);
        assert_eq!((end.line, end.column), (6, 1));
    }

    #[test]
    fn unfinished_tokens_are_rejected_at_their_start() {
        for text in [
            "\"", "\"\\", "\"\"\"", "\"\"\"\\", "-", "1.", "1e", "..", "\"\\u{",
        ] {
            let error = tokens(text).expect_err(text);
            assert_eq!(error.code, Code::GraphqlParseFailed, "{text}");
            assert!(
                error.location.is_some_and(|place| place.line == 1),
                "{text}"
            );
        }
    }
}
