//! The code of the tutorial's text is the code of its example, which CI builds and tests.

use std::collections::BTreeMap;

use crate::repository::Repository;

/// Where the reader's crate finds the clone, and where the example does.
const CLONE: (&str, &str) = ("../rust-cqrs/", "../../");

#[test]
fn the_text_has_the_files_of_the_example() {
    let repository = Repository::here().unwrap();
    let page = repository.read("docs/tutorial.md").unwrap();
    let text = files_of(&page);
    let in_example = |path: &str| path.strip_prefix("docs/tutorial/").map(str::to_owned);
    let is_shown = |path: &str| {
        in_example(path).is_some_and(|name| name == "Cargo.toml" || name.starts_with("src/"))
    };
    let files = repository.files(is_shown).unwrap();
    for file in &files {
        let name = &in_example(&file.path).unwrap();
        let of_example = file.text.replace(CLONE.1, CLONE.0);
        let of_text = text.get(name).map(String::as_str).unwrap_or_default();
        let (shown, built) = (lines(of_text), lines(&of_example));
        let differs = shown
            .iter()
            .zip(&built)
            .position(|(one, other)| one != other);
        let differs = differs.unwrap_or(shown.len().min(built.len()));
        assert!(
            shown == built,
            "{name}: the tutorial has {:?} where the example has {:?}",
            shown.get(differs),
            built.get(differs),
        );
    }
    assert_eq!(text.len(), files.len(), "{:?}", text.keys());
}

/// What a reader has who adds each block of code to the file that the line above it names.
fn files_of(page: &str) -> BTreeMap<String, String> {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    // Every second part is inside a fence and begins with its language.
    let parts: Vec<&str> = page.split("```").collect();
    for pair in parts.chunks_exact(2) {
        let (language, code) = pair[1].split_once('\n').unwrap_or((pair[1], ""));
        if !matches!(language, "rust" | "toml") {
            assert_eq!(language, "console", "a block is neither code nor a session");
            continue;
        }
        let above = pair[0].trim_end().lines().last().unwrap_or_default();
        let named = above
            .strip_suffix("`:")
            .and_then(|line| line.rsplit('`').next());
        let file = named.unwrap_or_else(|| panic!("no file is named by {above:?}"));
        files.entry(file.to_owned()).or_default().push_str(code);
    }
    files
}

/// Blank lines aside: where they stand is rustfmt's business.
fn lines(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.is_empty()).collect()
}
