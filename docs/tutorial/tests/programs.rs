//! The programs print what the tutorial says that they print.

use std::path::Path;
use std::process::Command;

/// How the tutorial starts a program of the crate.
const RUN: &str = "$ cargo run -q --bin ";

#[test]
fn the_programs_print_what_the_text_shows() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../tutorial.md");
    let page = std::fs::read_to_string(page).unwrap();
    let runs = runs(&page);
    assert!(runs.len() > 5, "the text has only {} runs", runs.len());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("programs");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).unwrap();
    }
    std::fs::create_dir(&folder).unwrap();
    for (command, expected) in runs {
        assert_eq!(output(&folder, &command), expected, "of {command}");
    }
}

/// The commands of the text, each with the lines that follow it.
fn runs(page: &str) -> Vec<(String, String)> {
    let mut runs: Vec<(String, String)> = Vec::new();
    for block in page.split("```console\n").skip(1) {
        let block = block.split("```").next().unwrap_or_default();
        for line in block.lines() {
            if let Some(command) = line.strip_prefix(RUN) {
                runs.push((command.replacen(" --", "", 1), String::new()));
            } else if let Some((_, output)) = runs.last_mut().filter(|_| block.contains(RUN)) {
                output.push_str(line);
                output.push('\n');
            }
        }
    }
    runs
}

/// What a program prints, errors included.
fn output(folder: &Path, command: &str) -> String {
    let mut words = command.split(' ');
    let program = match words.next() {
        Some("plan") => env!("CARGO_BIN_EXE_plan"),
        Some("shows") => env!("CARGO_BIN_EXE_shows"),
        Some("press") => env!("CARGO_BIN_EXE_press"),
        Some("book") => env!("CARGO_BIN_EXE_book"),
        other => panic!("the crate has no program {other:?}"),
    };
    let mut command = Command::new(program);
    let output = command.args(words).current_dir(folder).output();
    let output = output.unwrap();
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8(text).unwrap()
}
