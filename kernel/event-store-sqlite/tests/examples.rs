//! The example runs, and its events are there in the next run.

use test_example::output;

#[test]
fn events_in_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("accounts.db");
    let file = file.to_str().expect("a path");
    assert_eq!(output("sqlite", &[file]), "500 cents at position 1\n");
    assert_eq!(output("sqlite", &[file]), "1000 cents at position 2\n");
}
