use std::fs;
use std::path::Path;

use super::copy;
use super::name::Name;
use super::options::{Options, Source};
use crate::repository::Repository;

fn name(text: &str) -> Name {
    Name::parse(text).expect(text)
}

fn options(arguments: &[&str]) -> anyhow::Result<Options> {
    let arguments: Vec<_> = arguments.iter().map(|text| (*text).to_owned()).collect();
    Options::parse(&arguments)
}

fn files_in(folder: &Path) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else {
                let text = fs::read_to_string(&path).expect("text");
                files.push((path.display().to_string(), text));
            }
        }
    }
    files
}

#[test]
fn a_name_has_three_forms() {
    let name = name("order-desk2");
    assert_eq!(name.kebab(), "order-desk2");
    assert_eq!(name.snake(), "order_desk2");
    assert_eq!(name.pascal(), "OrderDesk2");
}

#[test]
fn a_wrong_name_is_rejected_with_what_is_allowed() {
    let long = "a".repeat(41);
    let wrong = [
        "",
        "Desk",
        "order_desk",
        "2desk",
        "-desk",
        "desk-",
        "a--b",
        "ä",
        "a b",
        "a/b",
        "..",
        &long,
    ];
    for wrong in wrong {
        let error = Name::parse(wrong).expect_err(wrong).to_string();
        assert!(error.contains("lower-case letters"), "{error}");
        assert!(error.contains(&format!("got {wrong:?}")), "{error}");
    }
    for word in ["match", "self", "core", "test", "proc-macro"] {
        let error = Name::parse(word).expect_err(word).to_string();
        assert!(error.contains("word of Rust"), "{error}");
    }
}

#[test]
fn a_name_that_the_template_uses_is_rejected() {
    let repository = Repository::here().expect("a repository");
    let template = copy::template(&repository).expect("a template");
    for taken in [
        "account",
        "accounts",
        "payout",
        "platform",
        "sagas",
        "event-sourcing",
        "tokio",
    ] {
        assert!(template.uses(&name(taken)).is_some(), "{taken}");
    }
    for free in ["order-desk", "billing", "my-system2"] {
        assert_eq!(template.uses(&name(free)), None, "{free}");
    }
}

#[test]
fn the_arguments_are_a_name_and_options() {
    assert!(options(&["desk", "--at", "x", "--git", "y"]).is_ok());
    for wrong in [
        &[][..],
        &["--at", "x"],
        &["a", "b"],
        &["a", "--at"],
        &["a", "--at", ""],
        &["a", "--at", "x", "--at", "y"],
        &["a", "--frob"],
    ] {
        let error = options(wrong).expect_err("wrong").to_string();
        assert!(error.contains("usage: "), "{error}");
    }
}

#[test]
fn an_existing_folder_is_rejected_and_so_is_one_in_nowhere() {
    let home = tempfile::tempdir().expect("a folder");
    let at = home.path().display().to_string();
    let error = options(&["desk", "--at", &at])
        .expect("options")
        .folder(home.path());
    assert!(
        error
            .expect_err("exists")
            .to_string()
            .contains("exists already")
    );
    let nowhere = format!("{at}/nowhere/desk");
    let error = options(&["desk", "--at", &nowhere])
        .expect("options")
        .folder(home.path());
    assert!(
        error
            .expect_err("nowhere")
            .to_string()
            .contains("does not exist")
    );
}

#[test]
fn a_copy_has_its_own_name_and_depends_on_what_is_kept() {
    let repository = Repository::here().expect("a repository");
    let template = copy::template(&repository).expect("a template");
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("desk");
    let source = Source::Path("/src/rust-cqrs".to_owned());
    template
        .write(&name("order-desk"), &source, &folder)
        .expect("a copy");
    for (path, text) in files_in(&folder) {
        for old in ["my-system", "my_system", "MySystem", "../../"] {
            assert!(
                !path.contains(old) && !text.contains(old),
                "{path} has {old}"
            );
        }
    }
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).expect("a manifest");
    let paths: Vec<_> = manifest.split("path = \"").skip(1).collect();
    assert!(paths.len() > 8, "{manifest}");
    for path in paths {
        let is_kept = ["/src/rust-cqrs/kernel/", "/src/rust-cqrs/platform"]
            .iter()
            .any(|kept| path.starts_with(kept));
        assert!(is_kept, "a copy depends on {path}");
    }
    let entries = fs::read_dir(home.path()).expect("a folder").count();
    assert_eq!(entries, 1, "something unfinished was left");
}

#[test]
fn a_copy_can_depend_on_a_repository() {
    let repository = Repository::here().expect("a repository");
    let template = copy::template(&repository).expect("a template");
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("desk");
    let source = Source::Git("https://example.org/x.git".to_owned());
    template
        .write(&name("desk"), &source, &folder)
        .expect("a copy");
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).expect("a manifest");
    let one = "platform = { git = \"https://example.org/x.git\" }\n";
    assert!(manifest.contains(one), "{manifest}");
    assert!(!manifest.contains("path = "), "{manifest}");
}

#[test]
fn a_copy_that_cannot_be_finished_leaves_nothing() {
    let repository = Repository::here().expect("a repository");
    let template = copy::template(&repository).expect("a template");
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("desk");
    // A file in the way of the last step.
    fs::write(&folder, "").expect("a file");
    let source = Source::Path("/src".to_owned());
    let failed = template.write(&name("desk"), &source, &folder);
    assert!(failed.is_err());
    let left: Vec<_> = files_in(home.path());
    assert_eq!(left, [(folder.display().to_string(), String::new())]);
}
