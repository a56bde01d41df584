//! Licences, sources, banned crates and versions, by cargo-deny and `deny.toml`.
//!
//! Advisories need a database from the network and are not part of it; the versions that `deny.toml` bans stand in for
//! those that are known.

use std::env;
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::command::verdict;
use crate::repository::Repository;

const MISSING: &str = "cargo-deny is not installed: run .ci/run, which installs it, or \
     `cargo install --locked cargo-deny`";

/// Whether cargo-deny was content. It writes its findings to the terminal itself.
pub fn problems(repository: &Repository) -> Result<Vec<String>> {
    let Some(program) = locate() else {
        return Ok(vec![MISSING.to_owned()]);
    };
    let status = repository
        .command(&program)
        .args(["--log-level", "error", "check"])
        .args(["bans", "licenses", "sources"])
        .status()
        .with_context(|| format!("cannot run {program}"))?;
    Ok(verdict(
        status.success(),
        "cargo deny check bans licenses sources",
    ))
}

/// On the path, or where `.ci/run` puts it.
fn locate() -> Option<String> {
    let cache = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")));
    let on_path = env::var_os("PATH").unwrap_or_default();
    let cached = cache.map(|folder| folder.join("rust-cqrs/tools/bin"));
    find(cached.into_iter().chain(env::split_paths(&on_path)))
}

fn find(folders: impl Iterator<Item = PathBuf>) -> Option<String> {
    folders
        .map(|folder| folder.join("cargo-deny"))
        .find(|program| program.is_file())
        .and_then(|program| program.to_str().map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_it_is_passed_by() {
        assert_eq!(find([PathBuf::from("/nowhere")].into_iter()), None);
    }
}
