//! A temporary folder that is removed with its value, or at the latest with the process, and the folder of what is kept.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use tempfile::TempDir;

/// Waits for the end of the process that created the folder. The pause lets its child processes end first.
const WATCHDOG: &str = r#"trap "" HUP INT TERM; read -r _; sleep 1; rm -rf "$1""#;

/// A temporary folder, empty at first.
#[derive(Debug)]
pub struct Folder {
    folder: TempDir,
    watchdog: Child,
}

impl Folder {
    /// Creates a folder.
    ///
    /// # Errors
    /// If the temporary folder cannot be written.
    pub fn create() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("test-shop-").tempdir()?;
        let watchdog = Command::new("sh")
            .args(["-c", WATCHDOG, "sh"])
            .arg(folder.path())
            .stdin(Stdio::piped())
            .spawn()
            .context("cannot start sh")?;
        Ok(Self { folder, watchdog })
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = self.watchdog.kill();
        let _ = self.watchdog.wait();
    }
}

/// The folder of this repository in the user's cache, where tests install what they download.
///
/// # Errors
/// The user has no such folder.
pub fn cache_folder() -> Result<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache"));
    let cache = cache.or_else(home);
    let cache = cache.context("neither XDG_CACHE_HOME nor HOME is set")?;
    Ok(cache.join("rust-cqrs"))
}
