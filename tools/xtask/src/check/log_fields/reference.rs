//! `docs/reference/log-lines.md`: the fields and the lines of the log, as the code has them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::{env, fs};

use anyhow::{Context, Result, anyhow};
use proc_macro2::{Group, TokenStream, TokenTree};

use super::line::{LEVELS, fields, level};
use crate::repository::{Repository, SourceFile};

const PAGE: &str = "docs/reference/log-lines.md";
const HEAD: &str = "\
# Log lines

Made from the code by `UPDATE_GOLDEN=1 cargo xtask check log-fields`, which also compares the two.
[Logs and metrics](../operations/logs-and-metrics.md) explains levels, formats and repeated failures.

## Fields

A name has the same meaning in all lines. Each line also has `timestamp`, `level`, `message` and `target`, the place in the code; within an
exported span it has `trace.id` and `span.id`, and within a command `command.name`, `command.id` and `correlation.id`.

| field | meaning |
| --- | --- |
";
const LINES: &str = "
## Lines

From `info` on; those at `debug` are for development. A `{}` stands for a part that differs.

| level | message | crate | fields |
| --- | --- | --- | --- |
";

/// Level, message, crate and fields of a line.
type Line = (&'static str, String, String, Vec<String>);

/// Writes the page if that is asked for; otherwise returns how it differs.
pub(super) fn problems(repository: &Repository, files: &[SourceFile]) -> Result<Vec<String>> {
    let (page, mut problems) = page(files)?;
    let path = repository.root().join(PAGE);
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &page).with_context(|| format!("cannot write {PAGE}"))?;
    }
    if fs::read_to_string(&path).unwrap_or_default() != page {
        problems.push(format!(
            "{PAGE} differs from the code: UPDATE_GOLDEN=1 cargo xtask check log-fields writes it"
        ));
    }
    Ok(problems)
}

fn page(files: &[SourceFile]) -> Result<(String, Vec<String>)> {
    let mut problems = Vec::new();
    // By the name of the constant, and by the name of the field.
    let (mut names, mut meanings) = (BTreeMap::new(), BTreeMap::new());
    for file in files
        .iter()
        .filter(|file| file.path.ends_with("/fields.rs"))
    {
        for (constant, name, meaning) in constants(&file.text) {
            if meaning.is_empty() {
                problems.push(format!("{}: {constant} has no description", file.path));
            }
            names.insert(constant, name.clone());
            meanings.insert(name, meaning);
        }
    }
    let mut lines = BTreeSet::new();
    for file in files
        .iter()
        .filter(|file| !file.path.starts_with("templates/"))
    {
        let tokens: TokenStream = file
            .text
            .parse()
            .map_err(|error| anyhow!("{}: {error}", file.path))?;
        collect(&file.path, tokens, &names, &mut lines);
    }
    let mut page = HEAD.to_owned();
    for (name, meaning) in meanings {
        writeln!(page, "| `{name}` | {meaning} |")?;
    }
    page.push_str(LINES);
    let severity = |line: &Line| LEVELS.iter().position(|level| *level == line.0);
    let mut lines: Vec<Line> = lines.into_iter().collect();
    lines.sort_by_key(severity);
    for (level, message, place, fields) in lines {
        let fields: Vec<_> = fields.iter().map(|field| format!("`{field}`")).collect();
        writeln!(
            page,
            "| {level} | {message} | {place} | {} |",
            fields.join(", ")
        )?;
    }
    Ok((page, problems))
}

/// Constant, value and description.
fn constants(text: &str) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    let mut description = Vec::new();
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix("/// ") {
            description.push(comment);
            continue;
        }
        let name = line
            .strip_prefix("pub const ")
            .and_then(|rest| rest.split(':').next());
        if let (Some(name), Some(value)) = (name, line.split('"').nth(1)) {
            found.push((name.to_owned(), value.to_owned(), description.join(" ")));
        }
        description.clear();
    }
    found
}

fn collect(
    path: &str,
    tokens: TokenStream,
    names: &BTreeMap<String, String>,
    lines: &mut BTreeSet<Line>,
) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (index, token) in tokens.iter().enumerate() {
        let TokenTree::Group(group) = token else {
            continue;
        };
        let level =
            level(&tokens[..index]).filter(|level| ["error", "warn", "info"].contains(level));
        if let Some((level, message)) = level.zip(message(group)) {
            let place = path
                .split("/src/")
                .next()
                .and_then(|folder| folder.rsplit('/').next());
            let place = place.unwrap_or_default().to_owned();
            lines.insert((level, message, place, names_of(group, names)));
        }
        collect(path, group.stream(), names, lines);
    }
}

/// The message, with its parts that differ as `{}`.
fn message(group: &Group) -> Option<String> {
    let tokens: Vec<TokenTree> = group.stream().into_iter().collect();
    let mut values =
        tokens.split(|token| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ','));
    let literal = values.find_map(|value| match value {
        [TokenTree::Literal(literal)] => Some(literal.to_string()),
        _ => None,
    })?;
    let text = literal.strip_prefix('"')?.strip_suffix('"')?;
    let mut message = String::new();
    for (index, part) in text.split('{').enumerate() {
        let rest = part.split_once('}').filter(|_| index > 0);
        message.push_str(&rest.map_or(part.to_owned(), |(_, rest)| format!("{{}}{rest}")));
    }
    Some(message)
}

fn names_of(group: &Group, names: &BTreeMap<String, String>) -> Vec<String> {
    let constants = fields(group)
        .into_iter()
        .filter_map(|field| match field.first()? {
            TokenTree::Group(name) => name
                .stream()
                .into_iter()
                .last()
                .map(|last| last.to_string()),
            TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => None,
        });
    constants
        .filter_map(|constant| names.get(&constant).cloned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_level_its_message_and_the_names_of_its_fields() {
        let file = |path: &str, text: &str| SourceFile {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        let files = [
            file(
                "a/src/fields.rs",
                "/// The\n/// cause.\npub const ERROR: &str = \"error.cause\";\n",
            ),
            file(
                "x/a/src/b.rs",
                "fn f() { tracing::warn!({ fields::ERROR } = e, \"{what} failed\"); tracing::debug!(\"no\"); }",
            ),
        ];
        let (page, problems) = page(&files).expect("Rust");
        assert!(problems.is_empty(), "{problems:?}");
        assert!(
            page.contains("\n| `error.cause` | The cause. |\n"),
            "{page}"
        );
        assert!(
            page.ends_with("| --- |\n| warn | {} failed | a | `error.cause` |\n"),
            "{page}"
        );
    }

    #[test]
    fn a_field_without_a_description_is_found() {
        let text = "pub const A: &str = \"a.b\";\n".to_owned();
        let path = "a/src/fields.rs".to_owned();
        let (_, problems) = page(&[SourceFile { path, text }]).expect("Rust");
        assert_eq!(problems, ["a/src/fields.rs: A has no description"]);
    }
}
