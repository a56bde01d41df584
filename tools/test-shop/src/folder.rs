//! A temporary folder that goes with its value, or with the process.

use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

/// Waits for the end of the process that made the folder; the pause lets its children end before.
const WATCHDOG: &str = r#"trap "" HUP INT TERM; read -r _; sleep 1; rm -rf "$1""#;

/// An empty folder at first.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    watchdog: Child,
}

impl Folder {
    /// Makes one.
    ///
    /// # Errors
    /// If the temporary folder cannot be written.
    pub fn create() -> Result<Self> {
        let random = RandomState::new().hash_one(std::process::id());
        let path = std::env::temp_dir().join(format!("test-shop-{random:016x}"));
        std::fs::create_dir(&path).with_context(|| format!("cannot make {}", path.display()))?;
        let watchdog = Command::new("sh")
            .args(["-c", WATCHDOG, "sh"])
            .arg(&path)
            .stdin(Stdio::piped())
            .spawn()
            .context("cannot start sh")?;
        Ok(Self { path, watchdog })
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = self.watchdog.kill();
        let _ = self.watchdog.wait();
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
