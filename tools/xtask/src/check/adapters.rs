//! Only the crate that opens an event store, `event-store-any`, knows its engine.

use anyhow::Result;

use crate::repository::{Repository, has_extension};

const ADAPTERS: [&str; 2] = ["event_store_postgres", "event_store_sqlite"];
/// The crate that opens them, and the adapters themselves.
const MAY_NAME: [&str; 3] = [
    "kernel/event-store-any/",
    "kernel/event-store-postgres/",
    "kernel/event-store-sqlite/",
];

/// The files of other crates that name an adapter. Tests may.
pub fn problems(repository: &Repository) -> Result<Vec<String>> {
    let files = repository.files(is_concerned)?;
    Ok(files
        .iter()
        .flat_map(|file| named(&file.path, &file.text))
        .collect())
}

/// Sources outside of this check.
fn is_concerned(path: &str) -> bool {
    has_extension(path, "rs")
        && path.contains("/src/")
        && !MAY_NAME.iter().any(|folder| path.starts_with(folder))
        && !path.starts_with("tools/xtask/")
        && !path.ends_with("tests.rs")
}

fn named(path: &str, text: &str) -> Vec<String> {
    text.lines()
        .take_while(|line| line.trim() != "#[cfg(test)]")
        .enumerate()
        .filter_map(|(index, line)| {
            let adapter = ADAPTERS.into_iter().find(|name| line.contains(name))?;
            let line = index + 1;
            Some(format!(
                "{path}:{line}: names {adapter}; open it through event-store-any"
            ))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_names_an_adapter_is_found() {
        let text = "use a;\nuse event_store_sqlite::SqliteEventStore;\n";
        assert_eq!(named("services/x/src/service.rs", text).len(), 1);
    }

    /// Without this a new adapter could be named anywhere.
    #[test]
    fn every_adapter_is_in_the_lists() {
        let repository = Repository::here().expect("the repository");
        let manifests = repository
            .files(|path| path.starts_with("kernel/event-store-") && path.ends_with("/Cargo.toml"));
        for manifest in manifests.expect("the manifests") {
            let folder = manifest.path.trim_end_matches("Cargo.toml");
            let name = folder.trim_start_matches("kernel/").trim_end_matches('/');
            if matches!(name, "event-store-any" | "event-store-conformance") {
                continue;
            }
            assert!(MAY_NAME.contains(&folder), "add {folder} to MAY_NAME");
            let name = name.replace('-', "_");
            assert!(ADAPTERS.contains(&&*name), "add {name} to ADAPTERS");
        }
    }

    #[test]
    fn what_opens_it_and_tests_may_name_one() {
        assert!(is_concerned("services/x/src/app.rs"));
        assert!(is_concerned("kernel/read-model-sql/src/lease.rs"));
        assert!(!is_concerned("kernel/event-store-any/src/store.rs"));
        assert!(!is_concerned("services/x/tests/service.rs"));
        let text = "#[cfg(test)]\nmod tests {\n    use event_store_sqlite::SqliteEventStore;\n}\n";
        assert!(named("services/x/src/service.rs", text).is_empty());
    }
}
