//! A temporary folder that goes with its value, or with the process.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use tempfile::TempDir;

/// Waits for the end of the process that made the folder; the pause lets its children end before.
const WATCHDOG: &str = r#"trap "" HUP INT TERM; read -r _; sleep 1; rm -rf "$1""#;

/// An empty folder at first.
#[derive(Debug)]
pub struct Folder {
    folder: TempDir,
    watchdog: Child,
}

impl Folder {
    /// Makes one.
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
