//! Runs the examples of the crate under test, which cargo builds together with its tests.

use std::env;
use std::path::PathBuf;
use std::process::Command;

/// Runs the example `name` and returns what it prints.
///
/// # Panics
/// The example is not built, or fails.
#[must_use]
pub fn output(name: &str, arguments: &[&str]) -> String {
    let program = program(name);
    assert!(
        program.exists(),
        "the example {name} is not built: run all tests of the crate once"
    );
    let output = Command::new(&program).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    let text = String::from_utf8_lossy;
    let error_output = text(&output.stderr);
    assert!(output.status.success(), "{name} failed: {error_output}");
    text(&output.stdout).into_owned()
}

/// The path of an example: tests are in `deps`, next to `examples`.
fn program(name: &str) -> PathBuf {
    let mut path = env::current_exe().unwrap_or_else(|error| panic!("no path: {error}"));
    path.pop();
    path.set_file_name("examples");
    path.join(name).with_extension(env::consts::EXE_EXTENSION)
}
