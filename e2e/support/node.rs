//! Programs in JavaScript: the clients that front ends use.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::process::Command;
use tokio::time::timeout;

const SCRIPT_TIMEOUT: Duration = Duration::from_mins(5);

/// Runs a program of `e2e/foreign` to its end and returns what it printed.
///
/// # Errors
/// There is no Node or npm, or the program failed; the message then has its output.
pub async fn node(script: &str, arguments: &[&str]) -> Result<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("foreign")
        .join(script);
    let running = Command::new("node")
        .env("NODE_PATH", packages().await?)
        .arg(&script)
        .args(arguments)
        .kill_on_drop(true)
        .output();
    let output = timeout(SCRIPT_TIMEOUT, running).await;
    let output = output.context("the program took too long")?;
    let output = output.context("cannot run node: install Node.js 20 or newer")?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        bail!("{}{printed}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(printed)
}

async fn packages() -> Result<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))
        .context("neither XDG_CACHE_HOME nor HOME is set")?;
    let install = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tools/test-node/install");
    let output = Command::new(install)
        .arg(cache.join("rust-cqrs"))
        .output()
        .await?;
    ensure!(
        output.status.success(),
        "tools/test-node/install failed; install Node.js with npm:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(PathBuf::from(String::from_utf8(output.stdout)?.trim()))
}
