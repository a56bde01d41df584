//! The fields of log lines have dotted names that are written down once.

mod line;
mod reference;

use anyhow::Result;
use proc_macro2::{Delimiter, TokenStream, TokenTree};

use self::line::{fields, level};
use crate::repository::{Repository, has_extension, is_test_file};

/// Constants of a `fields.rs` without a dot, fields of a log line that are no such constant, and differences of the reference
/// of both from the code.
pub fn problems(repository: &Repository) -> Result<Vec<String>> {
    let files = repository.files(|path| {
        let is_ours = !["tools/", "benches/", "contract/"]
            .iter()
            .any(|tier| path.starts_with(tier));
        has_extension(path, "rs") && path.contains("/src/") && is_ours && !is_test_file(path)
    })?;
    let mut problems = reference::problems(repository, &files)?;
    for file in &files {
        if file.path.ends_with("/fields.rs") {
            problems.extend(undotted(&file.path, &file.text));
        }
        let tokens: TokenStream = file
            .text
            .parse()
            .map_err(|error| anyhow::anyhow!("{}: {error}", file.path))?;
        of_tokens(&file.path, tokens, &mut problems);
    }
    Ok(problems)
}

fn undotted(path: &str, text: &str) -> Vec<String> {
    let constants = text.lines().filter(|line| line.starts_with("pub const "));
    let values = constants.filter_map(|line| line.split('"').nth(1));
    values
        .filter(|value| !value.contains('.'))
        .map(|value| format!("{path}: {value:?} has no dot"))
        .collect()
}

fn of_tokens(path: &str, tokens: TokenStream, problems: &mut Vec<String>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (index, token) in tokens.iter().enumerate() {
        let TokenTree::Group(group) = token else {
            continue;
        };
        if level(&tokens[..index]).is_some() {
            let line = group.span_open().start().line;
            let wrong = fields(group).into_iter().filter_map(|field| wrong(&field));
            problems.extend(wrong.map(|field| {
                format!("{path}:{line}: the field {field} is no constant of a fields.rs")
            }));
        }
        of_tokens(path, group.stream(), problems);
    }
}

/// The text of a field that is not `{ fields::NAME } = …`.
fn wrong(field: &[TokenTree]) -> Option<String> {
    let is_named = match field.first()? {
        TokenTree::Group(name) => name.delimiter() == Delimiter::Brace,
        // `target: …` and `parent: …` are no fields.
        TokenTree::Ident(word) => *word == "target" || *word == "parent",
        TokenTree::Literal(_) | TokenTree::Punct(_) => false,
    };
    let text: TokenStream = field.iter().cloned().collect();
    (!is_named).then(|| text.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let mut problems = Vec::new();
        of_tokens("a.rs", text.parse().expect("Rust"), &mut problems);
        problems
    }

    #[test]
    fn a_field_without_its_constant_is_found() {
        for wrong in [
            "saga_id, \"x\"",
            "%saga_id, \"x\"",
            "file = %path, \"x\"",
            "\"a.b\" = 1, \"x\"",
        ] {
            let text = format!("fn f() {{ tracing::warn!({wrong}); }}");
            assert_eq!(found(&text).len(), 1, "{wrong}");
        }
    }

    #[test]
    fn constants_messages_and_their_arguments_are_fine() {
        for right in [
            "\"x {}\", y",
            "{ fields::ERROR } = &e as &dyn Error, \"x\"",
            "target: \"t\", \"x {y}\"",
        ] {
            let text = format!("fn f() {{ tracing::info!({right}); other!(a = 1); }}");
            assert!(found(&text).is_empty(), "{right}");
        }
    }

    #[test]
    fn a_constant_without_a_dot_is_found() {
        let text = "pub const A: &str = \"a.b\";\npub const B: &str = \"b\";\n";
        assert_eq!(undotted("fields.rs", text), ["fields.rs: \"b\" has no dot"]);
    }
}
