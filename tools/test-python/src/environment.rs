//! An interpreter with the packages of `requirements.txt`.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use tokio::process::Command;
use tokio::sync::OnceCell;

/// The variable with the path of an interpreter to use instead of a new environment.
const VARIABLE: &str = "FOREIGN_CLIENT_PYTHON";

/// Returns the path of the interpreter, and installs the packages if necessary.
///
/// # Errors
/// There is no interpreter, and the environment cannot be created.
pub async fn python() -> Result<&'static PathBuf> {
    static PYTHON: OnceCell<PathBuf> = OnceCell::const_new();
    PYTHON.get_or_try_init(find).await
}

async fn find() -> Result<PathBuf> {
    if let Some(python) = env::var_os(VARIABLE) {
        return Ok(PathBuf::from(python));
    }
    let cache = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))
        .context("neither XDG_CACHE_HOME nor HOME is set")?;
    let output = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("install"))
        .arg(cache.join("rust-cqrs"))
        .output()
        .await
        .context("cannot run tools/test-python/install")?;
    if !output.status.success() {
        bail!(
            "tools/test-python/install failed; install Python 3 with venv, or set {VARIABLE} to a Python that has \
             what tools/test-python/requirements.txt lists:\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let printed = String::from_utf8(output.stdout).context("its output is not UTF-8")?;
    Ok(PathBuf::from(printed.trim()))
}
