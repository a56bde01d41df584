//! The glossary names what is in the code.

use std::path::Path;

use crate::declaration::{is_declaration, is_word};
use crate::repository::{Repository, SourceFile, has_extension};

/// Where the folders of the crates are, from the root.
const TIERS: [&str; 4] = ["kernel/", "platform/", "services/", ""];

#[test]
fn every_name_of_the_glossary_is_in_the_code() {
    let repository = Repository::here().unwrap();
    let page = repository.read("docs/glossary.md").unwrap();
    let files = repository.files(|path| has_extension(path, "rs")).unwrap();
    let names = names(&page);
    assert!(names.len() > 60, "only {} terms", names.len());
    let missing = |name: &&str| !is_declared(&files, name);
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
fn is_declared(files: &[SourceFile], name: &str) -> bool {
    let parts: Vec<&str> = name.split("::").collect();
    let folder = parts[0].replace('_', "-");
    let sources = TIERS.map(|tier| format!("{tier}{folder}/src/"));
    let files: Vec<&SourceFile> = files
        .iter()
        .filter(|file| sources.iter().any(|source| file.path.starts_with(source)))
        .collect();
    let is_module = |part: &&str| part.chars().all(|c| c.is_lowercase() || c == '_');
    let last = parts.len() - 1;
    let modules = parts[1..last].iter().take_while(|part| is_module(part));
    let items = &parts[1 + modules.clone().count()..];
    let mut modules = modules;
    modules.all(|module| files.iter().any(|file| is_in(&file.path, module)))
        && files.iter().any(|file| declares(&file.text, items))
}

/// Whether a file is that of a module, or in the module's folder.
fn is_in(file: &str, module: &str) -> bool {
    let inside = file.split_once("/src/").map_or(file, |(_, inside)| inside);
    let mut parts = inside.split('/').map(Path::new);
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

fn is_member(line: &str, name: &str) -> bool {
    let line = line.trim_start().trim_start_matches("pub ");
    let rest = line.strip_prefix(name);
    is_declaration(line, name) || rest.is_some_and(|rest| !rest.starts_with(is_word))
}
