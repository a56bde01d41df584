//! `shop completions` and `shop man`.

use std::fs;
use std::process::{Command, Output};

use test_shop::Folder;

fn run(arguments: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_shop"))
        .args(arguments)
        .output()
        .expect("the binary runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    output
}

/// What bash offers after these words, of which the last one is incomplete.
fn completed(script: &str, words: &[&str]) -> Vec<String> {
    let commands = format!(
        "source {script}; COMP_WORDS=({}); COMP_CWORD={}; _shop shop '{}'; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        words.join(" "),
        words.len() - 1,
        words.last().copied().unwrap_or_default(),
    );
    let output = Command::new("bash").args(["-c", &commands]).output();
    let output = output.expect("bash runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && error.is_empty(), "{error}");
    let offered = String::from_utf8(output.stdout).expect("text");
    offered.lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_and_flags() {
    let folder = Folder::create().expect("a folder");
    let script = folder.path().join("shop.bash");
    fs::write(&script, run(&["completions", "bash"]).stdout).expect("written");
    let script = script.display().to_string();
    assert_eq!(completed(&script, &["shop", "ev"]), ["events"]);
    assert_eq!(completed(&script, &["shop", "saga", "resu"]), ["resume"]);
    assert_eq!(
        completed(&script, &["shop", "saga", "list", "--older"]),
        ["--older-than"]
    );
}

#[test]
fn other_shells_have_completions_too() {
    for shell in ["elvish", "fish", "powershell", "zsh"] {
        let script = String::from_utf8(run(&["completions", shell]).stdout).expect("text");
        assert!(script.contains("healthcheck"), "{shell}");
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = Folder::create().expect("a folder");
    let pages = folder.path().join("man1");
    run(&["man", &pages.display().to_string()]);
    for (page, text) in [
        ("shop.1", "CQRS and event sourcing"),
        ("shop-saga.1", "shop saga resume"),
        ("shop-events-show.1", "position of the log"),
    ] {
        let shown = fs::read_to_string(pages.join(page)).expect(page);
        assert!(
            shown.contains(".SH NAME") && shown.contains(text),
            "{shown}"
        );
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let output = Command::new(env!("CARGO_BIN_EXE_shop"))
        .args(["man", "/dev/null/man1"])
        .output()
        .expect("the binary runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("/dev/null/man1"), "{error}");
}
