use std::path::PathBuf;

use super::{ManifestError, PersistedOperations, PersistedQuery, RegisteredOperations, sha256};
use crate::errors::Code;

fn query(hash: &str) -> PersistedQuery {
    PersistedQuery::of_hash(hash)
}

fn document(id: &str) -> PersistedQuery {
    PersistedQuery::of_document(id)
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
        .resolve(None, &[query(&hash)])
        .expect_err("not stored");
    assert_eq!(error.code, Code::PersistedQueryNotFound);
    assert_eq!(error.message, "PersistedQueryNotFound");
    let text = operations.resolve(Some("{ a }".to_owned()), &[query(&hash)]);
    assert_eq!(text.as_deref(), Ok("{ a }"));
    operations.store("{ a }", &query(&hash));
    let found = operations.resolve(None, &[query(&hash.to_uppercase())]);
    assert_eq!(found.as_deref(), Ok("{ a }"));
}

#[test]
fn a_hash_of_another_text_is_rejected() {
    let operations = PersistedOperations::default();
    let other = query(&sha256("{ b }"));
    let error = operations
        .resolve(Some("{ a }".to_owned()), &[other])
        .expect_err("other");
    assert_eq!(error.code, Code::BadRequest);
    let error = operations
        .resolve(Some("  ".to_owned()), &[])
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
        let found = operations.resolve(None, &[query(hash)]);
        assert_eq!(found.as_deref(), Ok("{ a }"), "{hash}");
    }
    assert!(operations.resolve(Some("{ a }".to_owned()), &[]).is_ok());
    for (text, hash) in [
        (Some("{ b }"), None),
        (None, Some(query("ff"))),
        (Some("{ b }"), Some(query("0a1b"))),
    ] {
        let error = operations
            .resolve(text.map(str::to_owned), hash.as_slice())
            .expect_err("not registered");
        assert_eq!(error.code, Code::PersistedQueryNotInList);
    }
    // Nothing is added at run time.
    operations.store("{ b }", &query(&sha256("{ b }")));
    assert!(
        operations
            .resolve(None, &[query(&sha256("{ b }"))])
            .is_err()
    );
}

#[test]
fn a_folder_registers_its_graphql_files_with_and_without_the_last_line_end() {
    let folder = Folder::new("folder");
    folder.write("a.graphql", "query A { a }\n");
    folder.write("c.graphql", "query C { c }");
    folder.write("d.graphql", "query D {\r\n  d\r\n}\r\n");
    folder.write("README.md", "query B { b }");
    let list = RegisteredOperations::read(&folder.0).expect("a folder");
    let operations = PersistedOperations::Registered(list);
    for text in ["query A { a }", "query C { c }", "query D {\r\n  d\r\n}"] {
        for end in ["", "\n"] {
            let written = format!("{text}{end}");
            let hash = query(&sha256(&written).to_uppercase());
            for (sent, hash) in [
                (None, Some(&hash)),
                (Some(written.clone()), None),
                (Some(written.clone()), Some(&hash)),
            ] {
                // The same text for all, because it decides whether an Idempotency-Key is used for the same request.
                let found = operations.resolve(sent, hash.cloned().as_slice());
                assert_eq!(found.as_deref(), Ok(text), "{written:?}");
            }
        }
    }
    let original = query(&sha256("query D {\r\n  d\r\n}\r\n"));
    assert!(operations.resolve(None, &[original]).is_ok());
    for text in ["query B { b }", "query A { a } ", "query A {  a }"] {
        let error = operations.resolve(Some(text.to_owned()), &[]);
        assert!(error.is_err(), "{text}");
    }
}

#[test]
fn a_hash_next_to_a_registered_text_must_be_one_of_that_text() {
    let folder = Folder::new("hashes");
    let texts = r#"{"0A1b": "{ a }", "sha256:0c": "{ c }"}"#;
    let manifest = folder.write("persisted-documents.json", texts);
    let list = RegisteredOperations::read(&manifest).expect("a manifest");
    let operations = PersistedOperations::Registered(list);
    let sent = |hash: &str| operations.resolve(Some("{ a }".to_owned()), &[query(hash)]);
    for own in ["0a1b", "0A1B", &sha256("{ a }"), &sha256("{ a }\n")] {
        assert_eq!(sent(own).as_deref(), Ok("{ a }"), "{own}");
    }
    for wrong in ["0c", "ff", &sha256("{ b }"), ""] {
        assert_eq!(sent(wrong).expect_err(wrong).code, Code::BadRequest);
    }
    let found = operations.resolve(None, &[document("sha256:0C")]);
    assert_eq!(found.as_deref(), Ok("{ c }"));
}

#[test]
fn the_error_of_a_wrong_hash_names_where_it_is() {
    let operations = PersistedOperations::default();
    let other = sha256("{ b }");
    for (named, parameter) in [
        (query(&other), "extensions.persistedQuery.sha256Hash"),
        (document(&format!("sha256:{other}")), "documentId"),
        (document("nonsense"), "documentId"),
    ] {
        let error = operations.resolve(Some("{ a }".to_owned()), &[named]);
        let message = error.expect_err("another hash").message;
        let expected = format!("{parameter} is not the SHA-256 of the query in hexadecimal");
        assert_eq!(message, expected);
    }
}

#[test]
fn two_hashes_must_be_of_one_operation() {
    let automatic = PersistedOperations::default();
    let (hash, other) = (sha256("{ a }"), sha256("{ b }"));
    automatic.store("{ a }", &query(&hash));
    let folder = Folder::new("both");
    let texts = r#"{"0a1b": "{ a }", "0c": "{ b }"}"#;
    let list = RegisteredOperations::read(&folder.write("manifest.json", texts));
    let registered = PersistedOperations::Registered(list.expect("a manifest"));
    for operations in [&automatic, &registered] {
        for text in [None, Some("{ a }".to_owned())] {
            let same = [
                document(&format!("sha256:{}", hash.to_uppercase())),
                query(&hash),
            ];
            let found = operations.resolve(text.clone(), &same);
            assert_eq!(found.as_deref(), Ok("{ a }"));
            for different in [
                [document(&hash), query(&other)],
                [document(&other), query(&hash)],
            ] {
                let error = operations.resolve(text.clone(), &different);
                assert_eq!(error.expect_err("different").code, Code::BadRequest);
            }
        }
        let different = [document(&other), query(&hash)];
        let error = operations.resolve(None, &different).expect_err("different");
        let names = "documentId and extensions.persistedQuery.sha256Hash name different operations";
        assert_eq!(error.message, names);
    }
    // The key of a manifest can be another hash than the protocol's.
    let both = [document("0a1b"), query(&hash)];
    assert_eq!(registered.resolve(None, &both).as_deref(), Ok("{ a }"));
    let unknown = registered.resolve(None, &[document("0a1b"), query("ff")]);
    assert_eq!(
        unknown.expect_err("unknown").code,
        Code::PersistedQueryNotInList
    );
}

#[test]
fn a_key_that_is_in_a_manifest_twice_is_an_error() {
    let folder = Folder::new("twice");
    let texts = r#"{"0a": "{ a }", "0b": "{ b }", "0a": "{ a }"}"#;
    let list = RegisteredOperations::read(&folder.write("manifest.json", texts));
    let shown = list.expect_err("ambiguous").to_string();
    assert!(
        shown.contains("manifest.json is not a JSON object of texts by their hash"),
        "{shown}"
    );
    assert!(shown.contains("it has \"0a\" more than once"), "{shown}");
    let list = RegisteredOperations::read(&folder.write("manifest.json", r#"{"0a": ["{ a }"]}"#));
    let shown = list.expect_err("no text").to_string();
    assert!(shown.starts_with("the operation \"0a\" of "), "{shown}");
    assert!(shown.ends_with("is not valid: it is not a text"), "{shown}");
}

#[test]
fn two_operations_cannot_have_one_hash() {
    let folder = Folder::new("same");
    let texts = r#"{"0A": "{ a }", "0a": "{ b }"}"#;
    let list = RegisteredOperations::read(&folder.write("manifest.json", texts));
    let shown = list.expect_err("ambiguous").to_string();
    assert!(shown.contains("the operation \"0a\" of "), "{shown}");
    let texts = r#"{"0A": "{ a }", "0a": "{ a }\n", "0b": "{ a }"}"#;
    let list = RegisteredOperations::read(&folder.write("manifest.json", texts));
    assert_eq!(list.expect("one operation").sources().len(), 1);
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
