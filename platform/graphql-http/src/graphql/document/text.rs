//! Reads the characters of a document, and the values of its strings (section 2.9.4 of the specification).

use async_graphql::Pos;

use super::syntax::syntax;
use crate::errors::ApiError;

/// The remaining text and its location.
#[derive(Debug)]
pub(super) struct Text<'a> {
    rest: &'a str,
    pos: Pos,
}

impl<'a> Text<'a> {
    pub const fn new(text: &'a str) -> Self {
        let pos = Pos { line: 1, column: 1 };
        Self { rest: text, pos }
    }

    pub const fn pos(&self) -> Pos {
        self.pos
    }

    pub const fn rest(&self) -> &'a str {
        self.rest
    }

    pub fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next()?;
        self.rest = chars.as_str();
        // "\r\n" ends one line.
        if next == '\n' || (next == '\r' && !self.rest.starts_with('\n')) {
            self.pos.line += 1;
            self.pos.column = 1;
        } else {
            self.pos.column += 1;
        }
        Some(next)
    }

    pub fn skip(&mut self, chars: usize) {
        for _ in 0..chars {
            self.next();
        }
    }

    pub fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let all = self.rest;
        while self.peek().is_some_and(&wanted) {
            self.next();
        }
        &all[..all.len() - self.rest.len()]
    }

    /// Reads a string, and returns its value.
    ///
    /// # Errors
    /// The string does not end, or has an invalid escape.
    pub fn string(&mut self) -> Result<String, ApiError> {
        let start = self.pos;
        let value = if self.rest.starts_with("\"\"\"") {
            self.block_string()
        } else {
            self.line_string()?
        };
        value.ok_or_else(|| syntax(start, "the string does not end"))
    }

    fn line_string(&mut self) -> Result<Option<String>, ApiError> {
        self.next();
        let mut value = String::new();
        loop {
            let pos = self.pos;
            match self.peek() {
                None | Some('\n' | '\r') => return Ok(None),
                Some('"') => {
                    self.next();
                    return Ok(Some(value));
                }
                Some('\\') => {
                    let all = self.rest;
                    let escaped = self.escape().ok_or_else(|| {
                        let read = &all[..all.len() - self.rest.len()];
                        syntax(pos, format!("invalid escape {read}"))
                    })?;
                    value.push(escaped);
                }
                Some(other) => {
                    self.next();
                    value.push(other);
                }
            }
        }
    }

    /// The character of an escape; `None` if the escape is invalid or not a Unicode scalar value.
    fn escape(&mut self) -> Option<char> {
        self.next();
        Some(match self.next()? {
            quoted @ ('"' | '\\' | '/') => quoted,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' if self.peek() == Some('{') => {
                self.next();
                let digits = self.take_while(|c| c.is_ascii_hexdigit());
                if self.next() != Some('}') {
                    return None;
                }
                return char::from_u32(u32::from_str_radix(digits, 16).ok()?);
            }
            'u' => {
                let unit = self.four_digits()?;
                if !matches!(unit, 0xd800..=0xdbff) {
                    return char::from_u32(unit.into());
                }
                // The first half of a pair.
                if (self.next()?, self.next()?) != ('\\', 'u') {
                    return None;
                }
                let pair = [unit, self.four_digits()?];
                return char::decode_utf16(pair).next()?.ok();
            }
            _ => return None,
        })
    }

    fn four_digits(&mut self) -> Option<u16> {
        let mut unit = 0;
        for _ in 0..4 {
            unit = unit * 16 + u16::try_from(self.peek()?.to_digit(16)?).ok()?;
            self.next();
        }
        Some(unit)
    }

    fn block_string(&mut self) -> Option<String> {
        const QUOTES: &str = "\"\"\"";
        self.skip(3);
        let mut raw = String::new();
        loop {
            if self.rest.starts_with(QUOTES) {
                self.skip(3);
                return Some(block_value(&raw));
            }
            if self.rest.starts_with("\\\"\"\"") {
                self.skip(4);
                raw.push_str(QUOTES);
            } else {
                raw.push(self.next()?);
            }
        }
    }
}

/// Removes the common indentation, and blank lines at both ends.
fn block_value(raw: &str) -> String {
    let is_blank = |c: char| matches!(c, ' ' | '\t');
    let lines: Vec<&str> = raw
        .split("\r\n")
        .flat_map(|part| part.split(['\n', '\r']))
        .collect();
    let indent = lines.iter().skip(1);
    let indent = indent.filter_map(|line| line.find(|c| !is_blank(c))).min();
    let indent = indent.unwrap_or(0);
    // A blank line may be shorter than the indentation.
    let cut = |line: &&'_ str| line.get(indent..).unwrap_or_default().to_owned();
    let first = lines.first().map(|line| (*line).to_owned());
    let lines: Vec<String> = first
        .into_iter()
        .chain(lines.iter().skip(1).map(cut))
        .collect();
    let has_text = |line: &String| !line.chars().all(is_blank);
    let start = lines.iter().position(has_text);
    let end = lines.iter().rposition(has_text);
    match (start, end) {
        (Some(start), Some(end)) => lines[start..=end].join("\n"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::Text;

    fn value(source: &str) -> Option<String> {
        Text::new(source).string().ok()
    }

    #[test]
    fn escapes_are_those_of_the_specification() {
        for (source, expected) in [
            (r#""""#, ""),
            (r#""a\"\\\/\b\f\n\r\t""#, "a\"\\/\u{8}\u{c}\n\r\t"),
            (r#""\u0041\u00e9\uFFFF""#, "Aé\u{ffff}"),
            (r#""\u{41}\u{1F600}\u{0000000000041}""#, "A😀A"),
            (r#""\uD83D\uDE00""#, "😀"),
            ("\"\u{1}\u{7f}\u{2028}\"", "\u{1}\u{7f}\u{2028}"),
        ] {
            assert_eq!(value(source).as_deref(), Some(expected), "{source}");
        }
        for wrong in [
            r#""\x""#,
            r#""\'""#,
            r#""\u12""#,
            r#""\u12G4""#,
            r#""\u{}""#,
            r#""\u{110000}""#,
            r#""\u{FFFFFFFFFFFFFF}""#,
            r#""\u{D800}""#,
            r#""\u{41""#,
            r#""\uD83D""#,
            r#""\uDE00""#,
            r#""\uD83Dx""#,
            r#""\uD83D\u0041""#,
            r#""\uD83D\uD83D""#,
            "\"a\nb\"",
            "\"a\rb\"",
        ] {
            assert_eq!(value(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_block_string_loses_common_indentation_and_blank_ends() {
        for (source, expected) in [
            (r#""""""""#, ""),
            ("\"\"\"\n \t\n\"\"\"", ""),
            (r#""""abc""""#, "abc"),
            (r#""""a \""" b \n \u0041""""#, r#"a """ b \n \u0041"#),
            (r#""""a "quoted" ""b"" """"#, r#"a "quoted" ""b"" "#),
            (
                "\"\"\"\n    Hello,\n      World!\n\n    Yours\n  \"\"\"",
                "Hello,\n  World!\n\nYours",
            ),
            ("\"\"\"  a\r\n    b\r      c\"\"\"", "  a\nb\n  c"),
            ("\"\"\"a\n    b\n  \n    c\"\"\"", "a\nb\n\nc"),
            ("\"\"\"a\n  b\n     \n  c\"\"\"", "a\nb\n   \nc"),
        ] {
            assert_eq!(value(source).as_deref(), Some(expected), "{source}");
        }
        assert_eq!(value(r#""""abc"""#), None);
    }
}
