use std::path::PathBuf;

use super::{ManifestError, PersistedOperations, PersistedQuery, RegisteredOperations, sha256};
use crate::errors::Code;

fn query(hash: &str) -> PersistedQuery {
    PersistedQuery {
        version: 1,
        sha256: hash.to_owned(),
    }
}

/// A folder that is deleted at the end of the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("persisted-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn write(&self, file: &str, text: &str) -> PathBuf {
        let path = self.0.join(file);
        std::fs::write(&path, text).expect("written");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_text_that_was_stored_is_found_by_its_hash() {
    let operations = PersistedOperations::default();
    let hash = sha256("{ a }");
    let error = operations
        .resolve(None, Some(&query(&hash)))
        .expect_err("not stored");
    assert_eq!(error.code, Code::PersistedQueryNotFound);
    assert_eq!(error.message, "PersistedQueryNotFound");
    let text = operations.resolve(Some("{ a }".to_owned()), Some(&query(&hash)));
    assert_eq!(text.as_deref(), Ok("{ a }"));
    operations.store("{ a }", &query(&hash));
    let found = operations.resolve(None, Some(&query(&hash.to_uppercase())));
    assert_eq!(found.as_deref(), Ok("{ a }"));
}

#[test]
fn a_hash_of_another_text_or_version_is_rejected() {
    let operations = PersistedOperations::default();
    let other = query(&sha256("{ b }"));
    let error = operations
        .resolve(Some("{ a }".to_owned()), Some(&other))
        .expect_err("other");
    assert_eq!(error.code, Code::BadRequest);
    let newer = PersistedQuery {
        version: 2,
        ..query(&sha256("{ a }"))
    };
    let error = operations
        .resolve(Some("{ a }".to_owned()), Some(&newer))
        .expect_err("newer");
    assert!(error.message.contains("got 2"), "{}", error.message);
    let error = operations
        .resolve(Some("  ".to_owned()), None)
        .expect_err("empty");
    assert_eq!(error.message, "query is missing");
}

#[test]
fn only_registered_operations_run_by_any_hash_or_by_their_text() {
    let folder = Folder::new("manifest");
    let manifest = folder.write("persisted-documents.json", r#"{"0a1b": "{ a }"}"#);
    let list = RegisteredOperations::read(&manifest).expect("a manifest");
    let operations = PersistedOperations::Registered(list);
    for hash in ["0a1b", &sha256("{ a }")] {
        let found = operations.resolve(None, Some(&query(hash)));
        assert_eq!(found.as_deref(), Ok("{ a }"), "{hash}");
    }
    assert!(operations.resolve(Some("{ a }".to_owned()), None).is_ok());
    for (text, hash) in [
        (Some("{ b }"), None),
        (None, Some(query("ff"))),
        (Some("{ b }"), Some(query("0a1b"))),
    ] {
        let error = operations
            .resolve(text.map(str::to_owned), hash.as_ref())
            .expect_err("not registered");
        assert_eq!(error.code, Code::PersistedQueryNotInList);
    }
    // Nothing is added at run time.
    operations.store("{ b }", &query(&sha256("{ b }")));
    assert!(
        operations
            .resolve(None, Some(&query(&sha256("{ b }"))))
            .is_err()
    );
}

#[test]
fn a_folder_registers_its_graphql_files() {
    let folder = Folder::new("folder");
    folder.write("a.graphql", "query A { a }\n");
    folder.write("README.md", "query B { b }");
    let list = RegisteredOperations::read(&folder.0).expect("a folder");
    let operations = PersistedOperations::Registered(list);
    assert!(
        operations
            .resolve(None, Some(&query(&sha256("query A { a }\n"))))
            .is_ok()
    );
    assert!(
        operations
            .resolve(Some("query B { b }".to_owned()), None)
            .is_err()
    );
}

#[test]
fn a_manifest_that_holds_nothing_is_an_error() {
    let folder = Folder::new("wrong");
    let missing = RegisteredOperations::read(&folder.0.join("missing.json"));
    assert!(matches!(missing, Err(ManifestError::File(..))));
    let list = RegisteredOperations::read(&folder.write("list.json", "[]"));
    assert!(matches!(list, Err(ManifestError::Json(..))));
    let empty = RegisteredOperations::read(&folder.write("empty.json", "{}"));
    assert!(matches!(empty, Err(ManifestError::Empty(_))));
}
