//! The name of the system, in the forms that code has it in.

use anyhow::{Result, bail};

const MAX_CHARS: usize = 40;

/// Words that cannot be the name of a crate or of a binary: of Rust, of its standard library, and of cargo.
const RESERVED: &[&str] = &[
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "build",
    "const",
    "continue",
    "core",
    "crate",
    "deps",
    "do",
    "dyn",
    "else",
    "enum",
    "examples",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "incremental",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc-macro",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "yield",
];

/// A valid name, such as `order-desk`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name(String);

impl Name {
    pub(super) fn parse(text: &str) -> Result<Self> {
        let is_part = |part: &str| {
            let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
            !part.is_empty() && part.bytes().all(is_allowed)
        };
        let begins_with_letter = text.starts_with(|c: char| c.is_ascii_lowercase());
        if text.len() > MAX_CHARS || !begins_with_letter || !text.split('-').all(is_part) {
            bail!(
                "a name has 1 to {MAX_CHARS} characters: lower-case letters, digits and single hyphens between \
                 them, the first a letter, such as order-desk; got {text:?}"
            );
        }
        if RESERVED.contains(&text) {
            bail!("{text:?} is a word of Rust or cargo, and cannot be a name");
        }
        Ok(Self(text.to_owned()))
    }

    /// `order-desk`
    pub(super) fn kebab(&self) -> &str {
        &self.0
    }

    /// `order_desk`
    pub(super) fn snake(&self) -> String {
        self.0.replace('-', "_")
    }

    /// `OrderDesk`
    pub(super) fn pascal(&self) -> String {
        let capitalised = self.0.split('-').map(|part| {
            let (first, rest) = part.split_at(1);
            first.to_ascii_uppercase() + rest
        });
        capitalised.collect()
    }
}
