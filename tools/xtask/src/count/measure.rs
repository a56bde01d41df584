//! Counts the number for each goal.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};

use super::code::{Code, Part};
use super::globs::select;
use super::goals::Measure;
use crate::repository::{SourceFile, has_extension, is_test_file};

/// The result of a count.
#[derive(Debug, Default)]
pub struct Counted {
    /// `None` if it cannot be counted, or nothing of it exists yet.
    pub number: Option<usize>,
    pub why_not: &'static str,
    /// The items that were counted.
    pub parts: Vec<(String, usize)>,
}

pub fn count(measure: &Measure, files: &[SourceFile]) -> Result<Counted> {
    match measure {
        Measure::Lines(within) => lines(within, files),
        Measure::Impl { of, by, within } => {
            let parts = parts(Part::Impl { of, by }, within, files)?;
            ensure!(!parts.is_empty(), "there is no `impl {of} for {by}`");
            Ok(sum(parts))
        }
        Measure::Call { method, within } => {
            let parts = parts(Part::Call(method), within, files)?;
            Ok(middle(parts))
        }
        Measure::StoredNames(within) => stored_names(within, files),
        Measure::Field { name, within } => field(name, within, files),
        Measure::Manual => Ok(Counted {
            why_not: "counted manually, by doing it",
            ..Counted::default()
        }),
    }
}

/// Parses the matching files.
fn read<'f>(within: &[&str], files: &'f [SourceFile]) -> Result<Vec<(&'f str, Code)>> {
    let chosen = select(within, files)?;
    let code = chosen
        .into_iter()
        .filter(|file| has_extension(&file.path, "rs") && !is_test_file(&file.path));
    code.map(|file| {
        let code = Code::read(&file.text).with_context(|| file.path.clone())?;
        Ok((file.path.as_str(), code))
    })
    .collect()
}

fn lines(within: &[&str], files: &[SourceFile]) -> Result<Counted> {
    let code = read(within, files)?;
    let parts = code
        .iter()
        .map(|(path, code)| ((*path).to_owned(), code.count()));
    Ok(sum(parts.collect()))
}

fn parts(wanted: Part, within: &[&str], files: &[SourceFile]) -> Result<Vec<(String, usize)>> {
    let mut found = Vec::new();
    for (path, code) in read(within, files)? {
        let counts = code.parts(wanted).with_context(|| path.to_owned())?;
        found.extend(counts.into_iter().map(|count| (path.to_owned(), count)));
    }
    Ok(found)
}

fn sum(parts: Vec<(String, usize)>) -> Counted {
    Counted {
        number: Some(parts.iter().map(|(_, count)| count).sum()),
        parts,
        ..Counted::default()
    }
}

fn middle(mut parts: Vec<(String, usize)>) -> Counted {
    parts.sort_by_key(|(_, count)| *count);
    let middle = parts.get(parts.len() / 2);
    Counted {
        number: middle.map(|(_, count)| *count),
        why_not: "there is none yet",
        parts,
    }
}

/// Counts a name where it is a complete literal: at its event, and at every other place.
fn stored_names(within: &[&str], files: &[SourceFile]) -> Result<Counted> {
    let code = read(within, files)?;
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    for file in select(within, files)? {
        let lines = file.text.lines().map(str::trim_start);
        for line in lines.filter(|line| !line.starts_with("//")) {
            let declared = line.split_once("#[event(name = \"");
            if let Some((name, _)) = declared.and_then(|(_, rest)| rest.split_once('"')) {
                names.insert(name, 0);
            }
        }
    }
    ensure!(!names.is_empty(), "no event declares its stored name");
    for text in code.iter().flat_map(|(_, code)| &code.texts) {
        if let Some(count) = names.get_mut(text.as_str()) {
            *count += 1;
        }
    }
    let most = names.values().max().copied();
    let often = names.into_iter().filter(|(_, count)| *count > 1);
    Ok(Counted {
        number: most,
        parts: often
            .map(|(name, count)| (name.to_owned(), count))
            .collect(),
        ..Counted::default()
    })
}

/// Generated code, tests and documents are excluded.
fn field(name: &str, within: &[&str], files: &[SourceFile]) -> Result<Counted> {
    let mut parts: Vec<(String, usize)> = read(within, files)?
        .into_iter()
        .filter(|(_, code)| code.words.contains(name))
        .map(|(path, _)| (path.to_owned(), 1))
        .collect();
    for file in select(within, files)? {
        let mut words = file.text.split(|c: char| !c.is_alphanumeric() && c != '_');
        if has_extension(&file.path, "proto") && words.any(|word| word == name) {
            parts.push((file.path.clone(), 1));
        }
    }
    ensure!(!parts.is_empty(), "no file names {name}");
    Ok(sum(parts))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> SourceFile {
        SourceFile {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    fn number(measure: &Measure, files: &[SourceFile]) -> Option<usize> {
        count(measure, files).unwrap().number
    }

    #[test]
    fn lines_of_all_files_but_tests_are_counted() {
        let files = [
            file("a/b.rs", "use c;\n\n// d\nuse e;\n"),
            file("a/c.rs", "use f;\n"),
            file("a/tests.rs", "use g;\n"),
            file("a/d.sql", "SELECT 1;\n"),
        ];
        assert_eq!(number(&Measure::Lines(&["a/*"]), &files), Some(3));
        assert!(count(&Measure::Lines(&["b/*"]), &files).is_err());
    }

    #[test]
    fn a_missing_item_is_an_error_and_not_zero() {
        let files = [file("a.rs", "impl Command for Add {\n}\n")];
        let implemented = |by| {
            let of = "Command";
            let within = &["a.rs"];
            count(&Measure::Impl { of, by, within }, &files)
        };
        assert_eq!(implemented("Add").unwrap().number, Some(2));
        assert!(implemented("Take").is_err());
        let name = "sku";
        let within = &["a.rs"];
        assert!(count(&Measure::Field { name, within }, &files).is_err());
        assert!(count(&Measure::StoredNames(&["a.rs"]), &files).is_err());
    }

    #[test]
    fn the_median_call_counts() {
        let text = "fn f() {\n    a.run();\n    b\n        .c()\n        .run();\n    d\n        .run();\n}\n";
        let (method, within) = ("run", &["a.rs"]);
        let measure = Measure::Call { method, within };
        assert_eq!(number(&measure, &[file("a.rs", text)]), Some(2));
        assert_eq!(number(&measure, &[file("a.rs", "fn f() {}")]), None);
    }

    #[test]
    fn a_repeated_stored_name_is_found() {
        let event = "// #[event(name = \"None\")]\n#[event(name = \"Added\")]\nstruct Added;\n#[event(name = \"Taken\")]\nstruct Taken;\n";
        let measure = Measure::StoredNames(&["*.rs"]);
        let once = [file("a.rs", event)];
        assert_eq!(number(&measure, &once), Some(1));
        let twice = [
            file("a.rs", event),
            file("b.rs", "const A: &str = \"Added\"; // \"Taken\"\n"),
        ];
        let counted = count(&measure, &twice).unwrap();
        assert_eq!(counted.number, Some(2));
        assert_eq!(counted.parts, [("Added".to_owned(), 2)]);
    }

    #[test]
    fn a_field_is_found_in_code_and_in_messages() {
        let files = [
            file("a.rs", "struct A { sku: u8 }"),
            file("b.rs", "// sku\nstruct A { skus: u8 }"),
            file("c.proto", "message A { string sku = 1; }"),
            file("d.proto", "message A { string sku_name = 1; }"),
        ];
        let (name, within) = ("sku", &["*"]);
        assert_eq!(number(&Measure::Field { name, within }, &files), Some(2));
    }
}
