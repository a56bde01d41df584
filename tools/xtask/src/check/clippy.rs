//! Clippy over all targets.

use anyhow::{Context, Result};

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
    Ok(verdict(status.success()))
}

fn verdict(success: bool) -> Vec<String> {
    if success {
        Vec::new()
    } else {
        vec![format!("cargo {} failed, see above", ARGUMENTS.join(" "))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_run_is_a_problem() {
        assert_eq!(verdict(false).len(), 1);
        assert!(verdict(true).is_empty());
    }
}
