//! Looks at a document's text before it is parsed.
//!
//! The parser recurses, so a few thousand opening brackets would use up its stack; and it takes long for many
//! tokens. Both are counted here, in one pass.

use super::super::http::lexer::{Lexer, Syntax, Token};
use crate::errors::{ApiError, Code};

/// How deep brackets of all kinds may be nested. The depth limits are stricter; values and types count here too.
const MAX_BRACKETS: usize = 64;
/// The most tokens.
const MAX_TOKENS: usize = 3_000;

/// Refuses text that is not worth parsing; gives the number of tokens.
///
/// # Errors
/// It is nested too deeply or has too many tokens.
pub fn scan(query: &str) -> Result<usize, ApiError> {
    let mut open = 0_usize;
    let mut tokens = 0_usize;
    for token in Lexer::new(query, Syntax::GraphQl) {
        tokens += 1;
        match token {
            Token::Open => open += 1,
            Token::Close => open = open.saturating_sub(1),
            Token::Number(_) | Token::Other => {}
        }
        if open > MAX_BRACKETS {
            let message = format!("brackets are nested at most {MAX_BRACKETS} deep");
            return Err(ApiError::new(Code::QueryTooDeep, message));
        }
        if tokens > MAX_TOKENS {
            let message = format!("a query has at most {MAX_TOKENS} tokens");
            return Err(ApiError::new(Code::QueryTooComplex, message));
        }
    }
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use super::scan;
    use crate::errors::Code;

    #[test]
    fn brackets_and_tokens_are_limited() {
        let code = |query: &str| scan(query).err().map(|error| error.code);
        assert_eq!(code(&format!("{}{}", "{".repeat(64), "}".repeat(64))), None);
        assert_eq!(code(&"{".repeat(65)), Some(Code::QueryTooDeep));
        assert_eq!(code(&"[".repeat(50_000)), Some(Code::QueryTooDeep));
        assert_eq!(code(&"a ".repeat(3_001)), Some(Code::QueryTooComplex));
        assert_eq!(code(&format!("{{ a(b: \"{}\") }}", "{".repeat(100))), None);
        assert_eq!(code(&format!("{{ a }} # {}", "[".repeat(100))), None);
        assert_eq!(
            code(&format!("{{ a(b: \"\"\"{}\"\"\") }}", "[\"".repeat(100))),
            None
        );
    }
}
