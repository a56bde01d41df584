//! Rotel, a collector that is not ours: it takes spans over gRPC and HTTP, and passes them on.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use test_shop::until;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

const LOCATE: &str =
    "import rotel, pathlib; print(pathlib.Path(rotel.__file__).parent / 'rotel-agent')";

/// A running collector. It ends when it is dropped.
#[derive(Debug)]
pub struct Rotel {
    http: SocketAddr,
    _process: Child,
}

impl Rotel {
    /// Starts a collector that passes spans on to `next`.
    pub async fn start(next: SocketAddr) -> Result<Self> {
        let agent = agent().await?;
        until("a collector", async || {
            // It cannot choose free ports by itself, and another process may take these first.
            let (grpc, http) = (free_address().await?, free_address().await?);
            let mut process = spawn(&agent, [grpc, http, next])?;
            until("its listener", async || {
                if let Some(status) = process.try_wait()? {
                    return Ok(Err(status));
                }
                TcpStream::connect(http).await?;
                Ok(Ok(()))
            })
            .await?
            .map_err(|status| anyhow::anyhow!("rotel ended: {status}"))?;
            Ok(Self {
                http,
                _process: process,
            })
        })
        .await
    }

    /// Where it takes spans over HTTP.
    pub const fn http(&self) -> SocketAddr {
        self.http
    }
}

async fn agent() -> Result<PathBuf> {
    let python = test_python::python().await?;
    let located = Command::new(python).args(["-c", LOCATE]).output().await?;
    ensure!(
        located.status.success(),
        "the Python package rotel is missing: {}",
        String::from_utf8_lossy(&located.stderr)
    );
    Ok(PathBuf::from(String::from_utf8(located.stdout)?.trim()))
}

async fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    Ok(listener.local_addr()?)
}

fn spawn(agent: &Path, [grpc, http, next]: [SocketAddr; 3]) -> Result<Child> {
    Command::new(agent)
        .arg("start")
        .args(["--otlp-grpc-endpoint", &grpc.to_string()])
        .args(["--otlp-http-endpoint", &http.to_string()])
        .args(["--exporter", "otlp"])
        .args(["--otlp-exporter-endpoint", &format!("http://{next}")])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .context("cannot run rotel")
}
