//! The few tokens of JSON and GraphQL that must be seen before their parsers run.

use std::ops::Range;

/// Whose text it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// Strings and numbers.
    Json,
    /// The same, with comments, names and block strings.
    GraphQl,
}

/// A token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// `{`, `[` or `(`
    Open,
    /// `}`, `]` or `)`
    Close,
    /// A number, and where it stands.
    Number(Range<usize>),
    /// A name, a string or another mark.
    Other,
}

/// Finds tokens. Text that is neither is divided somehow; its parser refuses it.
#[derive(Debug)]
pub struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
    syntax: Syntax,
}

impl<'a> Lexer<'a> {
    /// At the beginning of `text`.
    #[must_use]
    pub const fn new(text: &'a str, syntax: Syntax) -> Self {
        Self {
            text: text.as_bytes(),
            at: 0,
            syntax,
        }
    }

    fn skip_while(&mut self, wanted: impl Fn(u8) -> bool) {
        while self.text.get(self.at).is_some_and(|byte| wanted(*byte)) {
            self.at += 1;
        }
    }

    /// Behind the opening quote, to behind the closing one.
    fn skip_string(&mut self) {
        if self.syntax == Syntax::GraphQl && self.text[self.at..].starts_with(b"\"\"") {
            self.at += 2;
            self.skip_block_string();
            return;
        }
        while let Some(byte) = self.text.get(self.at) {
            self.at += match byte {
                b'\\' => 2,
                _ => 1,
            };
            if *byte == b'"' {
                return;
            }
        }
    }

    fn skip_block_string(&mut self) {
        while self.at < self.text.len() {
            let rest = &self.text[self.at..];
            if rest.starts_with(b"\\\"\"\"") {
                self.at += 4;
            } else if rest.starts_with(b"\"\"\"") {
                self.at += 3;
                return;
            } else {
                self.at += 1;
            }
        }
    }
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        loop {
            let start = self.at;
            let byte = *self.text.get(start)?;
            self.at += 1;
            return Some(match byte {
                b' ' | b'\t' | b'\n' | b'\r' | b',' => continue,
                b'#' if self.syntax == Syntax::GraphQl => {
                    self.skip_while(|byte| byte != b'\n' && byte != b'\r');
                    continue;
                }
                b'{' | b'[' | b'(' => Token::Open,
                b'}' | b']' | b')' => Token::Close,
                b'"' => {
                    self.skip_string();
                    Token::Other
                }
                b'-' | b'0'..=b'9' => {
                    self.skip_while(|byte| {
                        byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-')
                    });
                    Token::Number(start..self.at)
                }
                b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                    self.skip_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
                    Token::Other
                }
                _ => Token::Other,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Lexer, Syntax, Token};

    fn numbers(text: &str, syntax: Syntax) -> Vec<&str> {
        Lexer::new(text, syntax)
            .filter_map(|token| match token {
                Token::Number(range) => Some(&text[range]),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn numbers_are_found_outside_of_strings_names_and_comments() {
        let json = r#"{"a1": 1.50, "b\"2": [-3e+4], "5": "6"}"#;
        assert_eq!(numbers(json, Syntax::Json), ["1.50", "-3e+4"]);
        let graphql = "{ a1(b: 2.5, c: \"3\") # 4\n d(e: \"\"\" 5 \\\"\"\" 6 \"\"\", f: [7]) }";
        assert_eq!(numbers(graphql, Syntax::GraphQl), ["2.5", "7"]);
    }

    #[test]
    fn unfinished_text_ends() {
        for text in ["\"", "\"\\", "\"\"\"", "\"\"\"\\", "-", "#"] {
            assert!(Lexer::new(text, Syntax::GraphQl).count() <= 1, "{text}");
        }
    }
}
