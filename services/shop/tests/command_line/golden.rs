//! Compares texts with files. `UPDATE_GOLDEN=1` writes the files first.

use std::path::Path;

#[track_caller]
pub fn check(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, text).expect("a writable folder");
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        expected == text,
        "{} differs; UPDATE_GOLDEN=1 rewrites it. Actual text:\n{text}",
        path.display()
    );
}
