use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use test_shop::{Connection, Folder, Operation, Process, Request, Start, until};

use crate::support::{CLIENT_HTTP, LISTENERS, SHOP, Shop, open, open_with, printed, start};

/// A process that is killed with the test, also when the test fails.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn without_ports(text: &str) -> String {
    let mut parts = text.split("127.0.0.1:");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        text + "127.0.0.1:<port>" + part.trim_start_matches(|c: char| c.is_ascii_digit())
    })
}

/// The exit code and the standard error of a shop that fails to start.
fn rejected(start: &Start) -> (Option<i32>, String) {
    let output = Command::new(SHOP)
        .args(&start.arguments)
        .env_clear()
        .envs(LISTENERS.map(|listener| (listener, "127.0.0.1:0")))
        .envs(&start.variables)
        .output()
        .expect("the binary runs");
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), log)
}

#[test]
fn the_banner_shows_the_addresses_and_how_to_stop() {
    for signal in ["INT", "TERM"] {
        let folder = Folder::create().expect("a folder");
        let child = Command::new(SHOP)
            .current_dir(folder.path())
            .env_clear()
            .envs(LISTENERS.map(|listener| (listener, "127.0.0.1:0")))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let mut child = Killed(child);
        let mut stdout = BufReader::new(child.0.stdout.take().expect("a pipe"));
        let mut sign = String::new();
        while !sign.ends_with("Ctrl-C\n") {
            let read = stdout.read_line(&mut sign).expect("text");
            assert_ne!(read, 0, "the process ended: {sign}");
        }
        let expected = format!(
            "\
The shop is open.

  GraphQL   http://127.0.0.1:<port>/graphql   in a browser: /graphiql
  Health    http://127.0.0.1:<port>/health    numbers: /metrics
  gRPC      127.0.0.1:<port> (write side), 127.0.0.1:<port> (read side)
  Metrics   http://127.0.0.1:<port>/metrics, http://127.0.0.1:<port>/metrics
  Data      {}
  Stop      Ctrl-C
",
            folder
                .path()
                .canonicalize()
                .expect("a folder")
                .join("data")
                .display()
        );
        assert_eq!(without_ports(&sign), expected);

        let pid = child.0.id().to_string();
        Command::new("kill")
            .args(["-s", signal, &pid])
            .status()
            .expect("kill");
        let mut rest = String::new();
        stdout.read_to_string(&mut rest).expect("text");
        assert_eq!(
            rest,
            "The shop is closed. Everything that was answered is stored.\n"
        );
        assert_eq!(child.0.wait().expect("a status").code(), Some(0));
        let mut log = String::new();
        let mut stderr = child.0.stderr.take().expect("a pipe");
        stderr.read_to_string(&mut log).expect("text");
        assert_eq!(log, "", "a start and a clean stop log nothing");
    }
}

#[tokio::test]
async fn a_second_shop_in_the_folder_fails_and_names_the_first_process() -> Result<()> {
    let folder = Folder::create()?;
    let first = open(&folder).await?;
    let (code, log) = rejected(&start(&folder));
    assert_eq!(code, Some(1));
    let holder = format!("is in use by process {}", first.id());
    assert!(
        log.lines()
            .any(|line| line.starts_with("error: ") && line.contains(&holder)),
        "{log}"
    );
    Ok(())
}

#[tokio::test]
async fn a_second_shop_on_the_ports_fails_and_names_the_setting() -> Result<()> {
    let (folder, other) = (Folder::create()?, Folder::create()?);
    let first = open(&folder).await?;
    let mut second = start(&other);
    second.variables = first.addresses();
    let (code, log) = rejected(&second);
    assert_eq!(code, Some(1));
    assert!(
        log.contains("error: bind COMMAND_GRPC_ADDR to 127.0.0.1:"),
        "{log}"
    );
    Ok(())
}

#[tokio::test]
async fn a_log_that_is_not_a_terminal_has_no_colours() -> Result<()> {
    let (folder, other) = (Folder::create()?, Folder::create()?);
    let first = open(&folder).await?;
    let mut second = start(&other);
    // The gateway's listener is bound last, so that the other services have logged their start.
    let taken = first.address("CLIENT_HTTP_ADDR")?.to_string();
    let variables = &mut second.variables;
    variables.insert("CLIENT_HTTP_ADDR".to_owned(), taken);
    variables.insert("LOG_LEVEL".to_owned(), "info".to_owned());
    let (_, log) = rejected(&second);
    assert!(log.contains("INFO"), "{log}");
    assert!(!log.contains('\u{1b}'), "{log}");
    Ok(())
}

/// Every write to it fails with `ENOSPC`.
#[cfg(target_os = "linux")]
const FULL: &str = "/dev/full";

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_log_that_cannot_be_written_harms_nothing() -> Result<()> {
    let folder = Folder::create()?;
    let log = std::fs::OpenOptions::new().write(true).open(FULL)?;
    let child = Command::new(SHOP)
        .args(start(&folder).arguments)
        .env_clear()
        .envs(LISTENERS.map(|listener| (listener, "127.0.0.1:0")))
        .env("LOG_LEVEL", "debug")
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()?;
    let mut shop = Killed(child);
    let sign = shop.0.stdout.take().context("standard output")?;
    let gateway = BufReader::new(sign)
        .lines()
        .map_while(Result::ok)
        .find_map(|line| {
            let (_, rest) = line.split_once("GraphQL   http://")?;
            rest.split('/').next()?.parse().ok()
        });
    let gateway: SocketAddr = gateway.context("the banner names the gateway")?;
    // Each request is logged by several tasks.
    for number in 0..20 {
        let create =
            "mutation($input: CreateCategoryInput!) { createCategory(input: $input) { id } }";
        let input = json!({ "input": { "name": format!("Category {number}") } });
        Operation::new(create).with(input).data(gateway).await?;
    }
    until("the health of the shop", async || {
        let mut connection = Connection::open(gateway).await?;
        let health = connection.send(&Request::get("/health")).await?;
        ensure!(health.status.is_success(), "{:?}", health.body);
        Ok(())
    })
    .await?;
    assert!(shop.0.try_wait()?.is_none(), "the process has ended");
    Ok(())
}

#[tokio::test]
async fn the_folder_is_free_again_after_any_end() -> Result<()> {
    let folder = Folder::create()?;
    let mut killed = open(&folder).await?;
    killed.kill()?;
    killed.ended().await?;
    let mut stopped = open(&folder).await?;
    assert!(stopped.terminate().await?.success());
    open(&folder).await?;
    Ok(())
}

#[tokio::test]
async fn healthcheck_asks_the_gateway() -> Result<()> {
    let folder = Folder::create()?;
    let running = open(&folder).await?;
    let answer = printed(&Shop::of(&running)?.run(&["healthcheck"]));
    let answer: serde_json::Value = serde_json::from_str(&answer)?;
    assert_eq!(answer["status"], "ok");
    Ok(())
}

/// Each listener has connections on which nothing is ever sent.
#[tokio::test]
async fn silent_connections_hold_a_stop_no_longer_than_its_deadline() -> Result<()> {
    const LIMIT: Duration = Duration::from_secs(4);
    let folder = Folder::create()?;
    let limit = LIMIT.as_millis().to_string();
    let mut running = open_with(&folder, &[("SHUTDOWN_TIMEOUT_MS", &limit)]).await?;
    let mut silent = Vec::new();
    for listener in LISTENERS {
        for _ in 0..3 {
            silent.push(TcpStream::connect(running.address(listener)?)?);
        }
    }
    let asked = Instant::now();
    let status = running.terminate().await?;
    let took = asked.elapsed();
    assert!(status.success(), "{}", running.log());
    // If the three services waited one after the other, the stop would take two or three times the limit.
    assert!(took < LIMIT * 3 / 2, "{took:?}: {}", running.log());
    // The folder is unlocked and consistent.
    open(&folder).await?;
    Ok(())
}

#[tokio::test]
async fn blanks_and_line_ends_around_the_folder_open_the_same_shop() -> Result<()> {
    let folder = Folder::create()?;
    let first = start(&folder);
    let data = folder.path().display().to_string();
    let mut running = open(&folder).await?;
    let make = r#"mutation { createCategory(input: { name: "Tea" }) { id } }"#;
    Operation::new(make)
        .data(running.address(CLIENT_HTTP)?)
        .await?;
    running.terminate().await?;
    for given in [
        format!("{data} "),
        format!("{data}\r"),
        format!(" {data}\r\n"),
    ] {
        let mut start = Start {
            arguments: Vec::new(),
            ..first.clone()
        };
        start.variables.insert("DATA_DIR".to_owned(), given);
        let mut running = Process::serve(Path::new(SHOP), &start).await?;
        let again = Operation::new(make)
            .send(running.address(CLIENT_HTTP)?)
            .await?;
        let error = again.data().expect_err("the name is taken").to_string();
        assert!(error.contains("already exists"), "{error}");
        running.terminate().await?;
    }
    Ok(())
}

#[tokio::test]
async fn postgres_urls_run_the_same_shop_on_postgres() -> Result<()> {
    let databases = [
        test_postgres::database().await,
        test_postgres::database().await,
        test_postgres::database().await,
    ];
    let folder = Folder::create()?;
    let mut start = start(&folder);
    let names = [
        "EVENT_STORE_URL",
        "COMMAND_DATABASE_URL",
        "QUERY_DATABASE_URL",
    ];
    for (name, database) in names.iter().zip(&databases) {
        start
            .variables
            .insert((*name).to_owned(), database.url.clone());
    }
    let mut running = Process::serve(Path::new(SHOP), &start).await?;
    let document = r#"mutation { createCategory(input: { name: "Tea" }) { productCount } }"#;
    let made = Operation::new(document)
        .data(running.address(CLIENT_HTTP)?)
        .await?;
    assert_eq!(made["createCategory"]["productCount"], 0);
    assert!(running.terminate().await?.success());
    assert_eq!(
        std::fs::read_dir(folder.path())?.count(),
        0,
        "nothing is in the folder"
    );
    Ok(())
}
