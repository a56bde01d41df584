//! Formatting, by rustfmt.

use anyhow::{Context, Result};

use crate::repository::Repository;

/// The files that rustfmt would change.
pub fn problems(repository: &Repository) -> Result<Vec<String>> {
    let output = repository
        .command("cargo")
        .args(["fmt", "--all", "--", "--check", "-l"])
        .output()
        .context("cannot run cargo fmt")?;
    if output.status.success() {
        return Ok(Vec::new());
    }
    Ok(lines(&output.stdout, &output.stderr))
}

fn lines(stdout: &[u8], stderr: &[u8]) -> Vec<String> {
    let mut found: Vec<String> = [stdout, stderr]
        .into_iter()
        .flat_map(|bytes| {
            let text = String::from_utf8_lossy(bytes).into_owned();
            text.lines()
                .map(str::trim)
                .filter(|line| !line.is_empty())
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect();
    if found.is_empty() {
        found.push("cargo fmt failed without saying why".to_owned());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_files() {
        assert_eq!(lines(b"/a/src/lib.rs\n\n", b""), ["/a/src/lib.rs"]);
    }

    #[test]
    fn a_silent_failure_is_still_one() {
        assert_eq!(lines(b"", b"\n").len(), 1);
    }
}
