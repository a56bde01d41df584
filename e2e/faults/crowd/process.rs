//! The shop as one process with a limit of descriptors, and the resources that it uses.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use test_shop::{Folder, Process, Start};

use crate::support::binaries;

const LISTENERS: [&str; 5] = [
    "CLIENT_HTTP_ADDR",
    "COMMAND_GRPC_ADDR",
    "COMMAND_METRICS_ADDR",
    "QUERY_GRPC_ADDR",
    "QUERY_METRICS_ADDR",
];
/// Generous, because the machine is busy with the attackers themselves.
const SETTINGS: [(&str, &str); 3] = [
    ("CLIENT_WRITE_TIMEOUT_MS", "10000"),
    ("CLIENT_READ_TIMEOUT_MS", "10000"),
    ("CLIENT_LIST_TIMEOUT_MS", "10000"),
];
/// The descriptors that the run with thousands of connections needs, in this process and in the shop.
const MIN_DESCRIPTORS: u64 = 16_384;

#[derive(Clone, Copy, Debug)]
pub struct Listeners {
    pub gateway: SocketAddr,
    pub command_grpc: SocketAddr,
    pub command_metrics: SocketAddr,
    pub query_grpc: SocketAddr,
    pub query_metrics: SocketAddr,
}

/// The resources that a process uses.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    pub descriptors: usize,
    pub memory_mib: u64,
}

/// Raises this process's limit of descriptors, for the connections of all attackers.
pub fn raise_own_limit() -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    ensure!(
        limit.maximum.is_none_or(|most| most >= MIN_DESCRIPTORS),
        "this run needs {MIN_DESCRIPTORS} descriptors, the hard limit is {:?}",
        limit.maximum
    );
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, raised).context("the limit of descriptors cannot be raised")
}

/// Starts the shop in this folder, with this limit of descriptors.
pub async fn start(folder: &Folder, descriptors: Option<u64>) -> Result<Process> {
    let data = folder.path().join("data");
    let data = data.to_str().context("the folder's name is not UTF-8")?;
    let start = Start::listening(&LISTENERS).with([("DATA_DIR", data)]);
    let mut start = start.with(SETTINGS);
    let binary = binaries().await?.path("shop")?;
    let Some(descriptors) = descriptors else {
        return Process::serve(binary, &start).await;
    };
    let path = binary.to_str().context("the binary's name is not UTF-8")?;
    let script = format!("ulimit -n {descriptors}; exec \"$0\"");
    start.arguments = vec!["-c".to_owned(), script, path.to_owned()];
    Process::serve("/bin/sh".as_ref(), &start).await
}

impl Listeners {
    pub fn of(process: &Process) -> Result<Self> {
        let [
            gateway,
            command_grpc,
            command_metrics,
            query_grpc,
            query_metrics,
        ] = LISTENERS.map(|name| process.address(name));
        Ok(Self {
            gateway: gateway?,
            command_grpc: command_grpc?,
            command_metrics: command_metrics?,
            query_grpc: query_grpc?,
            query_metrics: query_metrics?,
        })
    }
}

impl Usage {
    pub fn of(process: &Process) -> Result<Self> {
        let folder = format!("/proc/{}", process.id());
        let status = std::fs::read_to_string(format!("{folder}/status"))?;
        let memory = status.lines().find_map(|line| {
            let kib = line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?;
            kib.parse::<u64>().ok()
        });
        Ok(Self {
            descriptors: std::fs::read_dir(format!("{folder}/fd"))?.count(),
            memory_mib: memory.context("no memory")? / 1_024,
        })
    }

    pub fn max(self, other: Self) -> Self {
        Self {
            descriptors: self.descriptors.max(other.descriptors),
            memory_mib: self.memory_mib.max(other.memory_mib),
        }
    }
}
