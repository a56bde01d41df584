use std::process::Command;

use crate::golden::check;

fn help(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_shop"))
        .args(arguments)
        .output()
        .expect("the binary runs");
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).expect("text");
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n") + "\n"
}

#[test]
fn the_shop_explains_itself() {
    check("help.txt", &help(&["--help"]));
}

#[test]
fn seed_explains_itself() {
    check("help-seed.txt", &help(&["seed", "--help"]));
}

#[test]
fn healthcheck_explains_itself() {
    check("help-healthcheck.txt", &help(&["healthcheck", "--help"]));
}
