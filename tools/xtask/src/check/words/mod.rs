//! The words of `docs/glossary.md`, and none of those that a reader cannot look up.

mod denied;
mod prose;

use anyhow::Result;

use self::denied::{ALLOWED, Denied, PHRASES, RENAMED};
use crate::declaration::{is_declaration, is_word};
use crate::repository::{Repository, SourceFile, has_extension};

/// Prose with a denied phrase, and declarations of a name that was replaced.
pub fn problems(repository: &Repository) -> Result<Vec<String>> {
    let files = repository.files(is_concerned)?;
    Ok(files.iter().flat_map(of_file).collect())
}

fn is_concerned(path: &str) -> bool {
    const EXTENSIONS: [&str; 6] = ["rs", "md", "proto", "sql", "py", "toml"];
    let is_text = EXTENSIONS
        .iter()
        .any(|extension| has_extension(path, extension));
    let is_list = path.starts_with("tools/xtask/src/check/words/");
    (is_text || path.starts_with(".ci/")) && !is_list && path != "CHANGELOG.md"
}

fn of_file(file: &SourceFile) -> Vec<String> {
    let SourceFile { path, text } = file;
    if !has_extension(path, "rs") {
        return phrases(path, text);
    }
    let mut problems = phrases(path, &prose::of_rust(text));
    problems.extend(names(path, text));
    problems
}

fn phrases(path: &str, text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.to_lowercase();
        for denied in PHRASES {
            let is_allowed = ALLOWED
                .iter()
                .any(|(file, phrase, _)| *file == path && *phrase == denied.phrase);
            if !is_allowed && denied.is_in(&line) {
                let Denied {
                    phrase, instead, ..
                } = denied;
                problems.push(format!("{path}:{}: {phrase:?}: write {instead}", index + 1));
            }
        }
    }
    problems
}

impl Denied {
    /// Whether the line has the phrase as whole words, other than in one of its exceptions.
    fn is_in(&self, line: &str) -> bool {
        let mut rest = line.to_owned();
        for exception in self.except {
            rest = rest.replace(exception, "");
        }
        rest.match_indices(self.phrase).any(|(at, found)| {
            let before = rest[..at].chars().next_back();
            let after = rest[at + found.len()..].chars().next();
            !before.is_some_and(is_word) && !after.is_some_and(is_word)
        })
    }
}

fn names(path: &str, text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let is_comment = line.trim_start().starts_with("//");
        let renamed = RENAMED.iter().find(|(folder, old, _)| {
            path.starts_with(folder) && !is_comment && is_declaration(line, old)
        });
        if let Some((_, old, new)) = renamed {
            problems.push(format!("{path}:{}: {old} is called {new}", index + 1));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::declaration::KEYWORDS;

    fn found(path: &str, text: &str) -> Vec<String> {
        let (path, text) = (path.to_owned(), text.to_owned());
        of_file(&SourceFile { path, text })
    }

    #[test]
    fn every_phrase_is_found_in_prose_and_not_in_code() {
        for denied in PHRASES {
            let comment = format!("// It {}.\n", denied.phrase);
            assert_eq!(found("a.rs", &comment).len(), 1, "{}", denied.phrase);
            assert_eq!(found("a.md", &comment).len(), 1, "{}", denied.phrase);
            for exception in denied.except {
                assert!(
                    found("a.md", &format!("It {exception} x.")).is_empty(),
                    "{exception}"
                );
            }
        }
        assert!(found("a.rs", "let behind = self.behind();\n").is_empty());
    }

    #[test]
    fn a_part_of_a_word_is_another_word() {
        assert!(found("a.md", "besides, and behindhand\n").is_empty());
    }

    #[test]
    fn every_replaced_name_is_found_in_its_folder_alone() {
        for (folder, old, _) in RENAMED {
            for keyword in KEYWORDS {
                let text = format!("    pub(super) {keyword} {old} {{\n");
                assert_eq!(found(&format!("{folder}src/a.rs"), &text).len(), 1, "{old}");
                assert!(found("somewhere/src/a.rs", &text).is_empty(), "{old}");
            }
        }
    }
}
