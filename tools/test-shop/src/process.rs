//! One binary as a process.

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

/// How long anything may take before a test gives up.
const START_TIMEOUT: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(5);
const KEPT_LINES: usize = 2_000;
/// What a process inherits; all else could be a setting.
const INHERITED: [&str; 3] = ["PATH", "HOME", "TMPDIR"];
/// Kills the process when the one that started it ends.
const WATCHDOG: &str = r#"trap "" HUP INT TERM; read -r _; kill -9 "$1""#;

#[derive(Clone, Debug, Default)]
pub struct Start {
    pub arguments: Vec<String>,
    pub variables: BTreeMap<String, String>,
    /// The settings that name its listeners. Each is bound to a free port, unless `variables` say otherwise.
    pub listeners: Vec<&'static str>,
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
    /// If it ends before; the message has its log.
    pub async fn serve(binary: &Path, start: &Start) -> Result<Self> {
        let begin = Instant::now();
        let mut process = Self::spawn(binary, start)?;
        let stderr = process.child.stderr.take().context("no standard error")?;
        let mut heard = process.listen_to(stderr);
        let wanted = start.listeners.len();
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            if heard.borrow_and_update().len() >= wanted {
                process.addresses = heard.borrow().clone();
                process.served_after = begin.elapsed();
                return Ok(process);
            }
            // The sender goes when the process closes its standard error, which is when it ends.
            match tokio::time::timeout_at(deadline, heard.changed()).await {
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

    /// Runs a process to its end and gives its exit status and what it wrote to standard error.
    ///
    /// # Errors
    /// If it does not end.
    pub async fn run(binary: &Path, start: &Start) -> Result<(ExitStatus, String)> {
        let mut process = Self::spawn(binary, start)?;
        let stderr = process.child.stderr.take().context("no standard error")?;
        let mut heard = process.listen_to(stderr);
        let status = process.ended().await?;
        // The sender goes when the last line is read.
        while heard.changed().await.is_ok() {}
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

    /// Reads the log on a thread of its own, for as long as the process lives, and gives the addresses that it names.
    fn listen_to(&self, stderr: ChildStderr) -> watch::Receiver<BTreeMap<String, SocketAddr>> {
        let (heard, addresses) = watch::channel(BTreeMap::new());
        let log = Arc::clone(&self.log);
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if let Some((listener, address)) = listening(&line) {
                    heard.send_modify(|known| {
                        known.insert(listener, address);
                    });
                }
                let mut kept = log.lock().unwrap_or_else(PoisonError::into_inner);
                if kept.len() == KEPT_LINES {
                    kept.pop_front();
                }
                kept.push_back(line);
            }
        });
        addresses
    }

    /// Where the listener of this setting is.
    ///
    /// # Errors
    /// If it has none of that name.
    pub fn address(&self, listener: &str) -> Result<SocketAddr> {
        let address = self.addresses.get(listener).copied();
        address.with_context(|| format!("{} has no listener {listener}", self.name))
    }

    /// How long it took from its start until it listened everywhere.
    #[must_use]
    pub fn served_after(&self) -> Duration {
        self.served_after
    }

    /// The same listeners on the same ports, for a start after an end.
    #[must_use]
    pub fn addresses(&self) -> BTreeMap<String, String> {
        let of = |(name, address): (&String, &SocketAddr)| (name.clone(), address.to_string());
        self.addresses.iter().map(of).collect()
    }

    /// The operating system's number of it.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The last lines that it logged.
    #[must_use]
    pub fn log(&self) -> String {
        let kept = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().cloned().collect::<Vec<_>>().join("\n")
    }

    /// SIGKILL. Does not wait.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub fn kill(&mut self) -> Result<()> {
        Ok(self.child.kill()?)
    }

    /// Asks it to end, as an operator does, and waits until it has.
    ///
    /// # Errors
    /// If it does not end in time.
    pub async fn terminate(&mut self) -> Result<ExitStatus> {
        self.signal("TERM")?;
        self.ended().await
    }

    /// Sends any signal by its name.
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

    /// Whether it is gone.
    ///
    /// # Errors
    /// If the operating system does not say.
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
            sleep(LOOK_EVERY).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The watchdog first: the process's number may be another's once it is gone.
        let _ = self.watchdog.kill();
        let _ = self.watchdog.wait();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The listener and its address, if the line of the log is about that.
fn listening(line: &str) -> Option<(String, SocketAddr)> {
    let entry: Value = serde_json::from_str(line).ok()?;
    let text = |key: &str| entry.get(key).and_then(Value::as_str);
    let listener = text("listener.name")?.to_owned();
    Some((listener, text("listener.address")?.parse().ok()?))
}

/// Asks again and again until there is an answer.
///
/// # Errors
/// If there is none in time; the message has the last error.
pub async fn until<T>(what: &str, ask: impl AsyncFnMut() -> Result<T>) -> Result<T> {
    until_within(START_TIMEOUT, what, ask).await
}

/// The same with another patience.
///
/// # Errors
/// The same.
pub async fn until_within<T>(
    patience: Duration,
    what: &str,
    mut ask: impl AsyncFnMut() -> Result<T>,
) -> Result<T> {
    let deadline = Instant::now() + patience;
    loop {
        match ask().await {
            Ok(answer) => return Ok(answer),
            Err(error) if Instant::now() >= deadline => {
                return Err(error.context(format!("waited in vain for {what}")));
            }
            Err(_) => sleep(LOOK_EVERY).await,
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
