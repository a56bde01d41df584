//! Programs in Python: those that run to their end, and those that serve until they are dropped.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::python;

/// Timeout of a program's result or next line.
const SCRIPT_TIMEOUT: Duration = Duration::from_mins(5);

/// Runs a program to its end and returns what it printed.
///
/// # Errors
/// There is no Python, or the program failed; the message then has its output.
pub async fn run(script: &Path, arguments: &[&str]) -> Result<String> {
    let running = command(script, arguments).await?.output();
    let output = timeout(SCRIPT_TIMEOUT, running)
        .await
        .with_context(|| format!("{} took too long", script.display()))?
        .context("cannot run Python")?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        bail!("{}{printed}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(printed)
}

/// A program that runs as a server. It is killed when the value is dropped.
#[derive(Debug)]
pub struct Script {
    _child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Script {
    /// Starts a program.
    ///
    /// # Errors
    /// There is no Python.
    pub async fn start(script: &Path, arguments: &[&str]) -> Result<Self> {
        let mut child = command(script, arguments)
            .await?
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot run Python")?;
        let printed = child.stdout.take().context("its output is not readable")?;
        Ok(Self {
            _child: child,
            lines: BufReader::new(printed).lines(),
        })
    }

    /// Waits for the next line that it prints.
    ///
    /// # Errors
    /// It has ended, or printed nothing in time.
    pub async fn line(&mut self) -> Result<String> {
        let line = timeout(SCRIPT_TIMEOUT, self.lines.next_line()).await;
        let line = line.context("the program prints nothing")?;
        line?.context("the program ended")
    }
}

async fn command(script: &Path, arguments: &[&str]) -> Result<Command> {
    let mut command = Command::new(python().await?);
    if let Some(folder) = script.parent() {
        command.current_dir(folder);
    }
    command
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHONUNBUFFERED", "1")
        .arg(script)
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    Ok(command)
}
