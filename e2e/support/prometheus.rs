//! Prometheus, and its promtool.

use std::env;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use test_shop::{Connection, Folder, Request, cache_folder, until};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStderr, Command};
use tokio::sync::{Mutex, OnceCell};
use tokio::time::timeout;

/// The variable with a folder that has both programs, to use in place of the system's or downloaded ones.
const VARIABLE: &str = "PROMETHEUS";
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// Runs a program until the standard input is closed, which the end of the test does in any case.
const UNTIL_CLOSED: &str = r#""$@" & read -r _; kill -9 "$!""#;

/// Fails if promtool rejects these metrics, or if it is not available.
pub async fn check_metrics(text: &str) -> Result<()> {
    let printed = promtool_with(&["check", "metrics"], text).await?;
    ensure!(printed.is_empty(), "promtool:\n{printed}");
    Ok(())
}

/// Runs promtool, which must succeed, and returns what it printed.
pub async fn promtool(arguments: &[&str]) -> Result<String> {
    promtool_with(arguments, "").await
}

async fn promtool_with(arguments: &[&str], input: &str) -> Result<String> {
    let mut running = Command::new(programs().await?.join("promtool"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("cannot run promtool")?;
    let mut stdin = running.stdin.take().context("it takes no input")?;
    stdin.write_all(input.as_bytes()).await?;
    drop(stdin);
    let ended = running.wait_with_output().await?;
    let printed = [ended.stdout, ended.stderr].concat();
    let printed = String::from_utf8_lossy(&printed).into_owned();
    let status = ended.status;
    ensure!(status.success(), "promtool, {status}:\n{printed}");
    Ok(printed)
}

/// The folder with the programs.
async fn programs() -> Result<&'static Path> {
    static FOLDER: OnceCell<PathBuf> = OnceCell::const_new();
    Ok(FOLDER.get_or_try_init(find).await?)
}

async fn find() -> Result<PathBuf> {
    if let Some(folder) = env::var_os(VARIABLE) {
        return Ok(PathBuf::from(folder));
    }
    let found = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("prometheus/install"))
        .arg(cache_folder()?)
        .output()
        .await
        .context("cannot run e2e/prometheus/install")?;
    ensure!(
        found.status.success(),
        "e2e/prometheus/install failed; install Prometheus, or set {VARIABLE}:\n{}",
        String::from_utf8_lossy(&found.stderr)
    );
    let printed = String::from_utf8(found.stdout).context("its output is not UTF-8")?;
    Ok(PathBuf::from(printed.trim()))
}

/// A running server. It ends with its value, or with the process that started it.
#[derive(Debug)]
pub struct Prometheus {
    address: SocketAddr,
    log: Arc<Mutex<String>>,
    #[expect(dead_code, reason = "its standard input is closed by its Drop")]
    process: Child,
    #[expect(dead_code, reason = "held for its Drop")]
    folder: Folder,
}

impl Prometheus {
    /// Starts a server with this configuration on a free port.
    pub async fn start(config: &str) -> Result<Self> {
        let folder = Folder::create()?;
        let file = folder.path().join("prometheus.yml");
        std::fs::write(&file, config)?;
        let data = folder.path().join("data");
        let mut process = Command::new("sh")
            .args(["-c", UNTIL_CLOSED, "sh"])
            .arg(programs().await?.join("prometheus"))
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", data.display()))
            .args(["--web.listen-address=127.0.0.1:0", "--log.format=json"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start Prometheus")?;
        let stderr = process.stderr.take().context("no standard error")?;
        let log = Arc::new(Mutex::new(String::new()));
        let listening = timeout(START_TIMEOUT, listening(stderr, Arc::clone(&log))).await;
        let Ok(Ok(address)) = listening else {
            bail!("Prometheus does not listen:\n{}", log.lock().await);
        };
        // It listens before it has read its data.
        until("Prometheus", async || {
            let mut connection = Connection::open(address).await?;
            let status = connection.send(&Request::get("/-/ready")).await?.status;
            ensure!(status.is_success(), "it is not ready: {status}");
            Ok(())
        })
        .await?;
        Ok(Self {
            address,
            log,
            process,
            folder,
        })
    }

    /// The series that a query returns now.
    pub async fn query(&self, query: &str) -> Result<Vec<Value>> {
        let data = self.get(&format!("query?query={}", encoded(query))).await?;
        let result = data.get("result").and_then(Value::as_array).cloned();
        result.with_context(|| format!("{query} returns no series: {data}"))
    }

    /// All rules, with their state.
    pub async fn rules(&self) -> Result<Vec<Value>> {
        let data = self.get("rules").await?;
        let groups = data.get("groups").and_then(Value::as_array);
        let rules = groups.into_iter().flatten().filter_map(|group| {
            let rules = group.get("rules").and_then(Value::as_array);
            rules.cloned()
        });
        Ok(rules.flatten().collect())
    }

    /// What it logged so far.
    pub async fn log(&self) -> String {
        self.log.lock().await.clone()
    }

    async fn get(&self, path: &str) -> Result<Value> {
        let mut connection = Connection::open(self.address).await?;
        let request = Request::get(&format!("/api/v1/{path}"));
        let answer = connection.send(&request).await?.json()?;
        match answer.get("data") {
            Some(data) if answer["status"] == "success" => Ok(data.clone()),
            _ => bail!("Prometheus answers {answer}"),
        }
    }
}

/// Collects the log, and returns the address that it names first.
async fn listening(stderr: ChildStderr, log: Arc<Mutex<String>>) -> Result<SocketAddr> {
    let mut lines = BufReader::new(stderr).lines();
    while let Some(line) = lines.next_line().await? {
        log.lock().await.extend([line.as_str(), "\n"]);
        let entry: Value = serde_json::from_str(&line).unwrap_or_default();
        if entry["msg"] == "Listening on" {
            let address = entry["address"].as_str().context("no address")?.parse()?;
            tokio::spawn(async move {
                while let Ok(Some(line)) = lines.next_line().await {
                    log.lock().await.extend([line.as_str(), "\n"]);
                }
            });
            return Ok(address);
        }
    }
    bail!("it has ended")
}

/// A value of a parameter of a URL.
fn encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}
