//! Clippy over all targets.

use anyhow::{Context, Result};

use super::command::verdict;
use crate::repository::Repository;

const ARGUMENTS: [&str; 7] = [
    "clippy",
    "--workspace",
    "--all-targets",
    "--locked",
    "--",
    "-D",
    "warnings",
];

/// Whether clippy was content. It writes its findings to the terminal itself.
pub fn problems(repository: &Repository) -> Result<Vec<String>> {
    let status = repository
        .command("cargo")
        .args(ARGUMENTS)
        .status()
        .context("cannot run cargo clippy")?;
    let command = format!("cargo {}", ARGUMENTS.join(" "));
    Ok(verdict(status.success(), &command))
}
