//! Runs a binary as a process.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

/// Timeout of a start, of an end, and of waiting for anything else.
const START_TIMEOUT: Duration = Duration::from_secs(30);
const POLL_INTERVAL: Duration = Duration::from_millis(5);
const MAX_LOG_LINES: usize = 2_000;
/// The environment variables that a process inherits; any other could be a setting.
const INHERITED: [&str; 3] = ["PATH", "HOME", "TMPDIR"];
/// Kills the process when its parent process ends.
const WATCHDOG: &str = r#"trap "" HUP INT TERM; read -r _; kill -9 "$1""#;

#[derive(Clone, Debug, Default)]
pub struct Start {
    pub arguments: Vec<String>,
    pub variables: BTreeMap<String, String>,
    /// The settings with the addresses of its listeners. Each listens on a free port, unless `variables` sets it.
    pub listeners: Vec<&'static str>,
}

impl Start {
    /// A process with these listeners.
    #[must_use]
    pub fn listening(listeners: &[&'static str]) -> Self {
        Self {
            listeners: listeners.to_vec(),
            ..Self::default()
        }
    }

    /// Adds settings, each in place of one with the same name.
    #[must_use]
    pub fn with<N: Into<String>, V: Into<String>>(
        mut self,
        settings: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let settings = settings.into_iter();
        let settings = settings.map(|(name, value)| (name.into(), value.into()));
        self.variables.extend(settings);
        self
    }
}

/// A running process. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    watchdog: Child,
    addresses: BTreeMap<String, SocketAddr>,
    served_after: Duration,
    log: Arc<Mutex<VecDeque<String>>>,
}

impl Process {
    /// Starts a service and waits until it listens.
    ///
    /// # Errors
    /// If it ends before that; the message has its log.
    pub async fn serve(binary: &Path, start: &Start) -> Result<Self> {
        let started = Instant::now();
        let mut process = Self::spawn(binary, start)?;
        let stderr = process.child.stderr.take().context("no standard error")?;
        let mut addresses = process.listen_to(stderr);
        let wanted = start.listeners.len();
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            if addresses.borrow_and_update().len() >= wanted {
                process.addresses = addresses.borrow().clone();
                process.served_after = started.elapsed();
                return Ok(process);
            }
            // The sender is dropped when the process closes its standard error, which is when it ends.
            match tokio::time::timeout_at(deadline, addresses.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => {
                    let status = process.ended().await?;
                    let log = process.log();
                    bail!(
                        "{} ended with {status} instead of serving:\n{log}",
                        process.name
                    );
                }
                Err(_) => bail!("{} does not serve:\n{}", process.name, process.log()),
            }
        }
    }

    /// Runs a process to its end and returns its exit status and what it wrote to standard error.
    ///
    /// # Errors
    /// If it does not end.
    pub async fn run(binary: &Path, start: &Start) -> Result<(ExitStatus, String)> {
        let mut process = Self::spawn(binary, start)?;
        let stderr = process.child.stderr.take().context("no standard error")?;
        let mut addresses = process.listen_to(stderr);
        let status = process.ended().await?;
        // The sender is dropped after the last line was read.
        while addresses.changed().await.is_ok() {}
        let log = process.log();
        Ok((status, log))
    }

    fn spawn(binary: &Path, start: &Start) -> Result<Self> {
        let name = binary.file_name().unwrap_or_default().to_string_lossy();
        let mut command = Command::new(binary);
        command
            .args(&start.arguments)
            .env_clear()
            .env("LOG_FORMAT", "json")
            .env("LOG_LEVEL", "info")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        for variable in INHERITED {
            if let Some(value) = std::env::var_os(variable) {
                command.env(variable, value);
            }
        }
        for listener in &start.listeners {
            command.env(listener, "127.0.0.1:0");
        }
        let child = command
            .envs(&start.variables)
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        let watchdog = Command::new("sh")
            .args(["-c", WATCHDOG, "sh"])
            .arg(child.id().to_string())
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start sh")?;
        Ok(Self {
            name: name.into_owned(),
            child,
            watchdog,
            addresses: BTreeMap::new(),
            served_after: Duration::ZERO,
            log: Arc::default(),
        })
    }

    /// Reads the log on a separate thread until the process ends, and publishes the addresses in it.
    fn listen_to(&self, stderr: ChildStderr) -> watch::Receiver<BTreeMap<String, SocketAddr>> {
        let (sender, addresses) = watch::channel(BTreeMap::new());
        let log = Arc::clone(&self.log);
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if let Some((listener, address)) = listening(&line) {
                    sender.send_modify(|known| {
                        known.insert(listener, address);
                    });
                }
                let mut lines = log.lock().unwrap_or_else(PoisonError::into_inner);
                if lines.len() == MAX_LOG_LINES {
                    lines.pop_front();
                }
                lines.push_back(line);
            }
        });
        addresses
    }

    /// The address of the listener of this setting.
    ///
    /// # Errors
    /// If it has no such listener.
    pub fn address(&self, listener: &str) -> Result<SocketAddr> {
        let address = self.addresses.get(listener).copied();
        address.with_context(|| format!("{} has no listener {listener}", self.name))
    }

    /// The time from its start until all listeners were ready.
    #[must_use]
    pub fn served_after(&self) -> Duration {
        self.served_after
    }

    /// The addresses of its listeners as settings, for a restart on the same ports.
    #[must_use]
    pub fn addresses(&self) -> BTreeMap<String, String> {
        let of = |(name, address): (&String, &SocketAddr)| (name.clone(), address.to_string());
        self.addresses.iter().map(of).collect()
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The last lines that it logged.
    #[must_use]
    pub fn log(&self) -> String {
        let lines = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().cloned().collect::<Vec<_>>().join("\n")
    }

    /// Sends SIGKILL, without waiting for the end.
    ///
    /// # Errors
    /// If the signal cannot be sent.
    pub fn kill(&mut self) -> Result<()> {
        Ok(self.child.kill()?)
    }

    /// Sends SIGTERM, as an operator does, and waits for its end.
    ///
    /// # Errors
    /// If it does not end in time.
    pub async fn terminate(&mut self) -> Result<ExitStatus> {
        self.signal("TERM")?;
        self.ended().await
    }

    /// Sends a signal by its name.
    ///
    /// # Errors
    /// If there is no such process.
    pub fn signal(&self, name: &str) -> Result<()> {
        let pid = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", name, &pid]).status()?;
        if !status.success() {
            bail!("kill -s {name} {pid} of {} failed", self.name);
        }
        Ok(())
    }

    /// Whether it has ended.
    ///
    /// # Errors
    /// If the status of the process cannot be read.
    pub fn has_ended(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// If it does not end in time.
    pub async fn ended(&mut self) -> Result<ExitStatus> {
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if Instant::now() >= deadline {
                bail!("{} does not end:\n{}", self.name, self.log());
            }
            sleep(POLL_INTERVAL).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The watchdog first: after the process has ended, its id may be reused by another one.
        let _ = self.watchdog.kill();
        let _ = self.watchdog.wait();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The listener and its address, if the log line has them.
fn listening(line: &str) -> Option<(String, SocketAddr)> {
    let entry: Value = serde_json::from_str(line).ok()?;
    let text = |key: &str| entry.get(key).and_then(Value::as_str);
    let listener = text("listener.name")?.to_owned();
    Some((listener, text("listener.address")?.parse().ok()?))
}

/// Repeats a call until it succeeds.
///
/// # Errors
/// If it does not succeed in time; the message has the last error.
pub async fn until<T>(what: &str, ask: impl AsyncFnMut() -> Result<T>) -> Result<T> {
    until_within(START_TIMEOUT, what, ask).await
}

/// As [`until`], with another timeout.
///
/// # Errors
/// As [`until`].
pub async fn until_within<T>(
    limit: Duration,
    what: &str,
    mut ask: impl AsyncFnMut() -> Result<T>,
) -> Result<T> {
    let deadline = Instant::now() + limit;
    loop {
        match ask().await {
            Ok(answer) => return Ok(answer),
            Err(error) if Instant::now() >= deadline => {
                return Err(error.context(format!("timeout while waiting for {what}")));
            }
            Err(_) => sleep(POLL_INTERVAL).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_from_the_log() {
        let line = r#"{"level":"INFO","message":"listening","listener.name":"X","listener.address":"127.0.0.1:4711"}"#;
        let (listener, address) = listening(line).unwrap();
        assert_eq!((listener.as_str(), address.port()), ("X", 4_711));
        assert!(listening("error: something else").is_none());
    }
}
