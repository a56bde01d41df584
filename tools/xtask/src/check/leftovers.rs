//! What is written in passing and must not stay.

use anyhow::Result;

use crate::repository::{Repository, has_extension};

/// Each is cut in two, so that this file does not find itself.
const LEFTOVERS: [(&str, &str); 8] = [
    (concat!("TO", "DO"), "write an issue, or do it"),
    (concat!("FIX", "ME"), "write an issue, or do it"),
    (concat!("XX", "X:"), "write an issue, or do it"),
    (concat!("todo", "!("), "unfinished"),
    (concat!("unimplemented", "!("), "unfinished"),
    (concat!("dbg", "!("), "a debug print"),
    (concat!("#[", "allow("), "use #[expect(…, reason = …)]"),
    (concat!("#![", "allow("), "use #![expect(…, reason = …)]"),
];
const EXTENSIONS: [&str; 6] = ["rs", "toml", "sql", "proto", "py", "yml"];

/// The lines with a leftover.
pub fn problems(repository: &Repository) -> Result<Vec<String>> {
    let files = repository.files(|path| {
        path.starts_with(".ci/")
            || EXTENSIONS
                .iter()
                .any(|extension| has_extension(path, extension))
    })?;
    Ok(files
        .iter()
        .flat_map(|file| found(&file.path, &file.text))
        .collect())
}

fn found(path: &str, text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for (leftover, advice) in LEFTOVERS {
            if line.contains(leftover) {
                problems.push(format!("{path}:{}: {leftover}: {advice}", index + 1));
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_leftover_is_found_with_its_line() {
        for (leftover, _) in LEFTOVERS {
            let text = format!("fn f() {{}}\n    {leftover}x)]\n");
            let problems = found("a.rs", &text);
            assert_eq!(problems.len(), 1, "{leftover}");
            assert!(problems[0].starts_with("a.rs:2: "), "{}", problems[0]);
        }
    }

    #[test]
    fn an_expectation_with_its_reason_is_no_leftover() {
        assert!(found("a.rs", "#[expect(lint, reason = \"why\")]\n").is_empty());
    }
}
