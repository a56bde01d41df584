//! One shop in a folder of its own, on free ports.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use test_shop::{Folder, Operation, Process, Start};
use tokio::time::Instant;

const WAIT_TIMEOUT: Duration = Duration::from_secs(30);
pub const SHOP: &str = env!("CARGO_BIN_EXE_shop");
pub const CLIENT_HTTP: &str = "CLIENT_HTTP_ADDR";
pub const COMMAND_GRPC: &str = "COMMAND_GRPC_ADDR";
pub const QUERY_GRPC: &str = "QUERY_GRPC_ADDR";
pub const LISTENERS: [&str; 5] = [
    CLIENT_HTTP,
    COMMAND_GRPC,
    "COMMAND_METRICS_ADDR",
    QUERY_GRPC,
    "QUERY_METRICS_ADDR",
];

/// The arguments and listeners of a shop in `folder`.
pub fn start(folder: &Folder) -> Start {
    Start {
        arguments: vec!["--data-dir".to_owned(), folder.path().display().to_string()],
        listeners: LISTENERS.to_vec(),
        ..Start::default()
    }
}

/// Starts a shop, and waits until it serves.
pub async fn open(folder: &Folder) -> Result<Process> {
    Process::serve(Path::new(SHOP), &start(folder)).await
}

/// Like [`open`], with these settings.
pub async fn open_with(folder: &Folder, settings: &[(&str, &str)]) -> Result<Process> {
    let start = start(folder).with(settings.iter().copied());
    Process::serve(Path::new(SHOP), &start).await
}

/// Creates a product, and waits until it can be read.
pub async fn stocked(running: &Process, name: &str, price: &str, quantity: u32) -> Result<()> {
    let document = "mutation($input: CreateProductInput!) { createProduct(input: $input) { id } }";
    let input = json!({ "name": name, "price": price, "stockQuantity": quantity });
    let make = Operation::new(document).with(json!({ "input": input }));
    make_seen(running, &make, "{ productStatistics { totalCount } }").await
}

/// Executes the mutation `make`, then repeats the query `look` with its position until the read side has reached it.
pub async fn make_seen(running: &Process, make: &Operation, look: &str) -> Result<()> {
    let gateway = running.address(CLIENT_HTTP)?;
    let answer = make.send(gateway).await?;
    answer.data()?;
    let position = answer.position.context("a mutation gives its position")?;
    let look = Operation::new(look).with_header("x-min-position", &position);
    let deadline = Instant::now() + WAIT_TIMEOUT;
    // On a busy machine the read side may lag longer than one request waits.
    while let Err(error) = look.data(gateway).await {
        ensure!(Instant::now() < deadline, "the read side lags: {error}");
    }
    Ok(())
}

/// The command line, for a running shop.
#[derive(Debug)]
pub struct Shop {
    place: Vec<String>,
}

impl Shop {
    /// Its commands find `running` by the same flags.
    pub fn of(running: &Process) -> Result<Self> {
        let mut place = Vec::new();
        for (flag, listener) in [
            ("--client-service-port", CLIENT_HTTP),
            ("--command-service-port", COMMAND_GRPC),
            ("--query-service-port", QUERY_GRPC),
        ] {
            place.push(flag.to_owned());
            place.push(running.address(listener)?.port().to_string());
        }
        Ok(Self { place })
    }

    /// Runs a command, and waits for its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.run_with(arguments, &[])
    }

    /// Runs a command with these settings, and waits for its end.
    pub fn run_with(&self, arguments: &[&str], settings: &[(&str, &str)]) -> Output {
        let place: Vec<&str> = self.place.iter().map(String::as_str).collect();
        shop_as(&[arguments, &place].concat(), settings)
    }

    /// Places an order of Sencha, waits until it is confirmed, and returns its id.
    pub fn confirmed_order(&self) -> Result<String> {
        let place = [
            "order", "place", "--user", "ada", "--item", "Sencha=2", "--follow", "--output", "json",
        ];
        let output = printed(&self.run(&place));
        let last = output.lines().last().context("no output")?;
        let order: Value = serde_json::from_str(last)?;
        let id = order["id"].as_str().context("an order has an id")?;
        Ok(id.to_owned())
    }
}

/// Runs the binary, and waits for its end.
pub fn shop(arguments: &[&str]) -> Output {
    shop_as(arguments, &[])
}

/// Runs the binary with these settings, and waits for its end.
pub fn shop_as(arguments: &[&str], settings: &[(&str, &str)]) -> Output {
    Command::new(SHOP)
        .args(arguments)
        .env_clear()
        .env("LOGNAME", "keeper")
        .envs(settings.iter().copied())
        .output()
        .expect("the binary runs")
}

/// The standard output of a command that succeeded.
#[track_caller]
pub fn printed(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

/// The standard error of a command that exited with `code`.
#[track_caller]
pub fn rejected(output: &Output, code: i32) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{text}");
    text
}
