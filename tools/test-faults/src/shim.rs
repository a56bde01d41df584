//! Builds the preloaded library.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow, bail};

const SOURCE: &str = include_str!("shim.c");

/// Builds the library once for each process, next to the test binary, and returns its path.
pub(crate) fn build() -> Result<PathBuf> {
    static BUILT: OnceLock<Result<PathBuf>> = OnceLock::new();
    let built = BUILT.get_or_init(compile);
    built
        .as_ref()
        .cloned()
        .map_err(|error| anyhow!("{error:#}"))
}

fn compile() -> Result<PathBuf> {
    let test = std::env::current_exe()?;
    let folder = test.parent().context("the test binary is in a folder")?;
    let library = folder.join("libtest_faults_shim.so");
    // Tests run concurrently: each builds its own copy and moves it into place atomically.
    let own = folder.join(format!("libtest_faults_shim.{}.so", std::process::id()));
    let source = own.with_extension("c");
    std::fs::write(&source, SOURCE)?;
    let output = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
        .args([&own, &source])
        .output()
        .context("cannot run cc")?;
    if !output.status.success() {
        bail!("cc: {}", String::from_utf8_lossy(&output.stderr));
    }
    std::fs::remove_file(source)?;
    std::fs::rename(own, &library)?;
    Ok(library)
}
