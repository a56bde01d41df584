//! Patterns of paths: `*` matches any part of a name, `**` any folders, `{a,b}` either; a leading `!` excludes files.

use anyhow::{Result, bail};

use crate::repository::SourceFile;

/// The files that match the patterns, each once. Every pattern must match at least one.
pub fn select<'f>(patterns: &[&str], files: &'f [SourceFile]) -> Result<Vec<&'f SourceFile>> {
    let mut chosen: Vec<&SourceFile> = Vec::new();
    for pattern in patterns {
        let (pattern, is_exclusion) = match pattern.strip_prefix('!') {
            Some(pattern) => (pattern, true),
            None => (*pattern, false),
        };
        let alternatives = expand(pattern);
        let named = |file: &&SourceFile| alternatives.iter().any(|one| matches(one, &file.path));
        let found: Vec<_> = files.iter().filter(named).collect();
        if found.is_empty() {
            bail!("no file matches {pattern}");
        }
        if is_exclusion {
            chosen.retain(|file| !named(file));
        } else {
            let is_new = |file: &&SourceFile| !chosen.iter().any(|other| other.path == file.path);
            let new: Vec<_> = found.into_iter().filter(is_new).collect();
            chosen.extend(new);
        }
    }
    Ok(chosen)
}

/// Expands a pattern with braces to patterns without.
fn expand(pattern: &str) -> Vec<String> {
    let braces = pattern
        .split_once('{')
        .and_then(|(before, rest)| Some((before, rest.split_once('}')?)));
    let Some((before, (inside, after))) = braces else {
        return vec![pattern.to_owned()];
    };
    inside
        .split(',')
        .flat_map(|one| expand(&format!("{before}{one}{after}")))
        .collect()
}

fn matches(pattern: &str, path: &str) -> bool {
    let pattern: Vec<&str> = pattern.split('/').collect();
    let path: Vec<&str> = path.split('/').collect();
    matches_folders(&pattern, &path)
}

fn matches_folders(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern, path) {
        ([], []) => true,
        (["**", rest @ ..], _) => {
            (0..=path.len()).any(|skipped| matches_folders(rest, &path[skipped..]))
        }
        ([first, rest @ ..], [name, below @ ..]) => {
            matches_name(first, name) && matches_folders(rest, below)
        }
        _ => false,
    }
}

fn matches_name(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((before, after)) => name.strip_prefix(before).is_some_and(|rest| {
            rest.char_indices()
                .map(|(at, _)| &rest[at..])
                .chain([""])
                .any(|end| matches_name(after, end))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Vec<SourceFile> {
        ["a/b.rs", "a/c/d.rs", "a/c/e.txt", "f/src/b.rs"]
            .map(|path| SourceFile {
                path: path.to_owned(),
                text: String::new(),
            })
            .into()
    }

    #[test]
    fn a_pattern_selects_files() {
        let files = files();
        let select = |patterns: &[&str]| -> Vec<String> {
            let found = select(patterns, &files).unwrap();
            found.iter().map(|file| file.path.clone()).collect()
        };
        assert_eq!(select(&["a/b.rs"]), ["a/b.rs"]);
        assert_eq!(select(&["a/*.rs"]), ["a/b.rs"]);
        assert_eq!(select(&["a/**/*.rs"]), ["a/b.rs", "a/c/d.rs"]);
        assert_eq!(select(&["*/src/b.rs"]), ["f/src/b.rs"]);
        assert_eq!(select(&["a/{x,b}.rs"]), ["a/b.rs"]);
        assert_eq!(select(&["a{.rs,/c/*.rs}"]), ["a/c/d.rs"]);
        assert_eq!(select(&["a/b.rs", "a/*.rs"]), ["a/b.rs"]);
        assert_eq!(select(&["a/**", "!a/**/*.rs"]), ["a/c/e.txt"]);
    }

    #[test]
    fn a_pattern_without_a_match_is_an_error() {
        let files = files();
        for patterns in [
            &["x/*.rs"][..],
            &["a/b.rs", "a/{x,y}.rs"],
            &["a/**", "!x"],
            &["a/*/b.rs"],
        ] {
            let error = select(patterns, &files).unwrap_err().to_string();
            assert!(error.starts_with("no file matches "), "{error}");
        }
    }
}
