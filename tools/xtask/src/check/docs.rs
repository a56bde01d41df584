//! Rustdoc over all crates, with the lints of the root `Cargo.toml`.

use anyhow::{Context, Result};

use super::command::verdict;
use crate::repository::Repository;

/// With the private items: most of what an application documents is private, and rustdoc lints only what it renders.
const ARGUMENTS: [&str; 5] = [
    "doc",
    "--workspace",
    "--no-deps",
    "--locked",
    "--document-private-items",
];

/// Whether rustdoc was content. It writes its findings to the terminal itself.
pub fn problems(repository: &Repository) -> Result<Vec<String>> {
    let status = repository
        .command("cargo")
        .args(ARGUMENTS)
        .status()
        .context("cannot run cargo doc")?;
    let command = format!("cargo {}", ARGUMENTS.join(" "));
    Ok(verdict(status.success(), &command))
}
