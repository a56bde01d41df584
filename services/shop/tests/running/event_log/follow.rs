//! `shop events tail --follow`: prints what is written, survives a database that is away, and ends on Ctrl-C.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use test_postgres::Cluster;
use test_shop::Folder;

use super::support::log;
use crate::support::{SHOP, Shop, open, printed, shop, stocked};

const WAIT_TIMEOUT: Duration = Duration::from_mins(1);

/// A command that follows the log, and its lines.
struct Following {
    child: Child,
    output: Receiver<String>,
    errors: Receiver<String>,
}

impl Following {
    fn start(arguments: &[&str]) -> Result<Self> {
        let mut child = Command::new(SHOP)
            .args(["events", "tail", "--follow", "--output", "json"])
            .args(arguments)
            .env_clear()
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let output = lines(child.stdout.take().context("standard output")?);
        let errors = lines(child.stderr.take().context("standard error")?);
        Ok(Self {
            child,
            output,
            errors,
        })
    }

    fn event(&self) -> Result<Value> {
        Ok(serde_json::from_str(
            &self.output.recv_timeout(WAIT_TIMEOUT)?,
        )?)
    }

    fn interrupt(mut self) -> Result<()> {
        let id = i32::try_from(self.child.id())?;
        kill_process(Pid::from_raw(id).context("a process")?, Signal::INT)?;
        let status = self.child.wait()?;
        anyhow::ensure!(status.success(), "{status}");
        Ok(())
    }
}

fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

#[tokio::test(flavor = "multi_thread")]
async fn new_events_are_printed_until_ctrl_c() -> Result<()> {
    let folder = Folder::create()?;
    let running = open(&folder).await?;
    stocked(&running, "Sencha", "19.90", 12).await?;
    let path = folder.path().display().to_string();
    let following = Following::start(&["--data-dir", &path, "--stream-type", "order"])?;
    let order = Shop::of(&running)?.confirmed_order()?;
    for expected in [
        "OrderCreated",
        "OrderPaymentProcessed",
        "OrderShippingArranged",
        "OrderConfirmed",
    ] {
        let event = following.event()?;
        assert_eq!(event["eventType"], expected);
        assert_eq!(event["streamId"], Value::from(order.as_str()));
    }
    following.interrupt()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_is_reported_and_read_again() -> Result<()> {
    let log = log().await?;
    let source = log.folder.path().display().to_string();
    let cluster = Cluster::start().await;
    let database = cluster.database().await;
    let url = ["--event-store-url", &database.url];
    let first = log.folder.path().join("first.jsonl").display().to_string();
    printed(&shop(&[
        "events",
        "export",
        "--data-dir",
        &source,
        "--to",
        "2",
        &first,
    ]));
    printed(&shop(&[&["events", "import", &first], &url[..]].concat()));
    let following = Following::start(&[&["-n", "1"], &url[..]].concat())?;
    assert_eq!(following.event()?["position"], 2);
    cluster.stop_immediately().await;
    let reported = following.errors.recv_timeout(WAIT_TIMEOUT)?;
    assert!(reported.contains("retrying until it answers"), "{reported}");
    cluster.start_again().await;
    printed(&shop(
        &[&["events", "import", &log.file], &url[..]].concat(),
    ));
    for position in 3..=log.head() {
        assert_eq!(following.event()?["position"], position);
    }
    let reported = following.errors.recv_timeout(WAIT_TIMEOUT)?;
    assert_eq!(reported, "the event store answers again");
    following.interrupt()
}
