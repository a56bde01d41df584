//! The references of the settings and of the command line are made from the code.

mod command_line;
mod documents;
mod settings;

use std::fs;
use std::path::Path;

/// Compares a page of `docs/reference` with what the code says, or writes it if `UPDATE_GOLDEN` is set.
fn check(page: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference");
    let path = path.join(page);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, made).expect("written");
    }
    let shown = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        shown, made,
        "docs/reference/{page}: UPDATE_GOLDEN=1 writes it"
    );
}
