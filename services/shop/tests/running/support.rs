//! One shop in a folder of its own, on free ports.

use std::path::Path;
use std::process::{Command, Output};

use anyhow::Result;
use test_shop::{Folder, Process, Start};

pub const SHOP: &str = env!("CARGO_BIN_EXE_shop");
pub const CLIENT_HTTP: &str = "CLIENT_HTTP_ADDR";
pub const LISTENERS: [&str; 5] = [
    CLIENT_HTTP,
    "COMMAND_GRPC_ADDR",
    "COMMAND_METRICS_ADDR",
    "QUERY_GRPC_ADDR",
    "QUERY_METRICS_ADDR",
];

/// How to start a shop in `folder`.
pub fn start(folder: &Folder) -> Start {
    Start {
        arguments: vec!["--data-dir".to_owned(), folder.path().display().to_string()],
        listeners: LISTENERS.to_vec(),
        ..Start::default()
    }
}

/// A shop that serves.
pub async fn open(folder: &Folder) -> Result<Process> {
    Process::serve(Path::new(SHOP), &start(folder)).await
}

/// Runs a command of the binary to its end.
pub fn shop(arguments: &[&str]) -> Output {
    Command::new(SHOP)
        .args(arguments)
        .env_clear()
        .output()
        .expect("the binary runs")
}

/// What a command that succeeded printed.
#[track_caller]
pub fn printed(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}
