//! The glossary names what is in the code.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

/// Where the folders of the crates are, from the root.
const TIERS: [&str; 3] = ["kernel", "services", "."];
/// What a name follows where it is declared.
const KEYWORDS: [&str; 6] = ["struct", "enum", "trait", "type", "fn", "const"];

#[test]
fn every_name_of_the_glossary_is_in_the_code() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = fs::read_to_string(root.join("docs/glossary.md")).unwrap();
    let names = names(&page);
    assert!(names.len() > 60, "only {} terms", names.len());
    let missing = |name: &&str| !is_declared(&root, name);
    let missing: Vec<&str> = names.into_iter().filter(missing).collect();
    assert!(missing.is_empty(), "not in the code: {missing:?}");
}

/// The third column of every table, as `crate::path::Name`. Each term has one.
fn names(page: &str) -> Vec<&str> {
    let rows = page.lines().filter(|line| line.starts_with("| "));
    let terms = rows.filter(|row| !row.starts_with("| term ") && !row.starts_with("| --- "));
    let cells = terms.map(|row| row.split(" | ").nth(2).unwrap_or(row));
    cells
        .map(|cell| {
            let name = cell.trim_end_matches(" |").strip_prefix('`');
            let name = name.and_then(|name| name.strip_suffix('`'));
            name.unwrap_or_else(|| panic!("no name in the third column: {cell}"))
        })
        .collect()
}

/// Whether a file of the crate declares the last parts of the name. Modules on the way must be files or folders.
fn is_declared(root: &Path, name: &str) -> bool {
    let parts: Vec<&str> = name.split("::").collect();
    let folder = parts[0].replace('_', "-");
    let folders = TIERS.map(|tier| root.join(tier).join(&folder).join("src"));
    let Some(source) = folders.iter().find(|folder| folder.is_dir()) else {
        return false;
    };
    let mut files = Vec::new();
    add_files(source, &mut files);
    let is_module = |part: &&str| part.chars().all(|c| c.is_lowercase() || c == '_');
    let last = parts.len() - 1;
    let modules = parts[1..last].iter().take_while(|part| is_module(part));
    let items = &parts[1 + modules.clone().count()..];
    let mut modules = modules;
    modules.all(|module| files.iter().any(|(path, _)| is_in(path, source, module)))
        && files.iter().any(|(_, text)| declares(text, items))
}

/// Whether a file is that of a module, or in the module's folder.
fn is_in(file: &Path, source: &Path, module: &str) -> bool {
    let path = file.strip_prefix(source).unwrap();
    let mut parts = path.iter().map(Path::new);
    parts.any(|part| part.file_stem().is_some_and(|stem| stem == module))
}

/// Whether a file declares the first item, and after it the second, if there are two: a method, a field or a variant.
fn declares(text: &str, items: &[&str]) -> bool {
    let [outer, inner @ ..] = items else {
        return false;
    };
    let mut lines = text.lines().skip_while(|line| !is_declaration(line, outer));
    lines.next().is_some()
        && inner
            .iter()
            .all(|inner| lines.any(|line| is_member(line, inner)))
}

fn is_declaration(line: &str, name: &str) -> bool {
    let words: Vec<&str> = line.split(|c| !is_word(c)).collect();
    let mut pairs = words.windows(2);
    pairs.any(|pair| KEYWORDS.contains(&pair[0]) && pair[1] == name)
}

fn is_member(line: &str, name: &str) -> bool {
    let line = line.trim_start().trim_start_matches("pub ");
    let rest = line.strip_prefix(name);
    is_declaration(line, name) || rest.is_some_and(|rest| !rest.starts_with(is_word))
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn add_files(folder: &Path, files: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            add_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            files.push((path, text));
        }
    }
}
