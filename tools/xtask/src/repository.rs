//! The files of the working tree, and commands that run in it.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Folders without source files of this repository.
const SKIPPED: [&str; 4] = [".git", "target", "data", "generated"];
/// Maximum depth of folders, which also ends a cycle of links.
const MAX_DEPTH: usize = 16;

/// The root of the working tree.
#[derive(Debug)]
pub struct Repository {
    root: PathBuf,
}

/// A text file, named relative to the root, with forward slashes.
#[derive(Debug)]
pub struct SourceFile {
    pub path: String,
    pub text: String,
}

/// Whether the file's name ends in `.` and `extension`.
pub fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path).extension() == Some(OsStr::new(extension))
}

/// Whether the whole file is a test, or for tests.
pub fn is_test_file(path: &str) -> bool {
    path.contains("/tests/")
        || path.ends_with("tests.rs")
        || path.starts_with("e2e/")
        || path.starts_with("kernel/event-store-conformance/")
}

impl Repository {
    /// The repository that this program was built from.
    pub fn here() -> Result<Self> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = manifest
            .parent()
            .and_then(Path::parent)
            .context("tools/xtask has no grandparent folder")?;
        Ok(Self {
            root: root.to_path_buf(),
        })
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The text of one file.
    pub fn read(&self, path: &str) -> Result<String> {
        fs::read_to_string(self.root.join(path)).with_context(|| format!("cannot read {path}"))
    }

    /// All files for which `wanted` returns true, in the order of their paths.
    pub fn files(&self, wanted: impl Fn(&str) -> bool) -> Result<Vec<SourceFile>> {
        let mut paths = Vec::new();
        collect(&self.root, "", 0, &mut paths)?;
        paths.sort();
        paths
            .into_iter()
            .filter(|path| wanted(path))
            .map(|path| {
                let text = self.read(&path)?;
                Ok(SourceFile { path, text })
            })
            .collect()
    }

    /// A command with the root as its working directory. For `cargo` it uses the one that runs this program.
    pub fn command(&self, program: &str) -> Command {
        let cargo = std::env::var_os("CARGO");
        let program = match (&cargo, program) {
            (Some(cargo), "cargo") => cargo.as_os_str(),
            _ => OsStr::new(program),
        };
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        command
    }
}

fn collect(root: &Path, below: &str, depth: usize, paths: &mut Vec<String>) -> Result<()> {
    if depth > MAX_DEPTH {
        bail!("{below} is more than {MAX_DEPTH} folders deep");
    }
    let folder = root.join(below);
    let entries =
        fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            bail!("a file name in {below:?} is not UTF-8: {}", name.display());
        };
        let path = if below.is_empty() {
            name.to_owned()
        } else {
            format!("{below}/{name}")
        };
        if entry.file_type()?.is_dir() {
            if !SKIPPED.contains(&name) {
                collect(root, &path, depth + 1, paths)?;
            }
        } else {
            paths.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_own_sources_are_found_and_git_is_skipped() {
        let files = Repository::here()
            .unwrap()
            .files(|path| has_extension(path, "rs"))
            .unwrap();
        let paths: Vec<String> = files.into_iter().map(|file| file.path).collect();
        assert!(paths.contains(&"tools/xtask/src/repository.rs".to_owned()));
        assert!(!paths.iter().any(|path| path.starts_with(".git/")));
    }
}
