//! Validates metrics with Prometheus' promtool.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use test_shop::cache_folder;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::sync::OnceCell;

/// The variable with the path of a promtool to use in place of the system's or a downloaded one.
const VARIABLE: &str = "PROMTOOL";

/// Fails if promtool rejects these metrics, or if it is not available.
pub async fn check_metrics(text: &str) -> Result<()> {
    static PROMTOOL: OnceCell<PathBuf> = OnceCell::const_new();
    let mut checking = Command::new(PROMTOOL.get_or_try_init(find).await?)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("cannot run promtool")?;
    let mut input = checking.stdin.take().context("it takes no input")?;
    input.write_all(text.as_bytes()).await?;
    drop(input);
    let checked = checking.wait_with_output().await?;
    let output = [checked.stdout, checked.stderr].concat();
    let output = String::from_utf8_lossy(&output).into_owned();
    ensure!(
        checked.status.success() && output.is_empty(),
        "promtool, {}:\n{output}",
        checked.status
    );
    Ok(())
}

async fn find() -> Result<PathBuf> {
    if let Some(promtool) = env::var_os(VARIABLE) {
        return Ok(PathBuf::from(promtool));
    }
    let found = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("promtool/install"))
        .arg(cache_folder()?)
        .output()
        .await
        .context("cannot run e2e/promtool/install")?;
    ensure!(
        found.status.success(),
        "e2e/promtool/install failed; install Prometheus, or set {VARIABLE}:\n{}",
        String::from_utf8_lossy(&found.stderr)
    );
    let printed = String::from_utf8(found.stdout).context("its output is not UTF-8")?;
    Ok(PathBuf::from(printed.trim()))
}
