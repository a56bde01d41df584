//! A process that is stopped during an append does not block the log.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use event_sourcing::{EventStore, ExpectedVersion, Position};

use crate::support::{check_log, command, commit, open, stream, within};

/// The database of the child process.
const CHILD_URL: &str = "STOPPED_WRITER_URL";

/// How often the writer is stopped, each time at another point.
const STOPS: u64 = 40;

/// The longest that a stopped process may delay others. An append's lock timeout is longer, so it does not hide a held
/// lock.
const WAIT_TIMEOUT: Duration = Duration::from_secs(5);

struct Writer(Child);

impl Writer {
    fn start(url: &str) -> Self {
        let child = Command::new(std::env::current_exe().expect("own path"))
            .args(["--exact", "stopped_writer::writer_that_is_stopped"])
            .env(CHILD_URL, url)
            .stdout(Stdio::null())
            .spawn()
            .expect("start the writer");
        Self(child)
    }

    fn signal(&self, signal: &str) {
        let status = Command::new("kill")
            .args([signal, &self.0.id().to_string()])
            .status()
            .expect("send a signal");
        assert!(status.success(), "kill {signal}");
    }

    /// Whether all its threads are stopped.
    fn is_stopped(&self) -> bool {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.0.id())).expect("its tasks");
        tasks.flatten().all(|task| {
            let stat = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
            // The state is the first field after the name, which is in parentheses.
            let state = stat.rsplit(')').next().unwrap_or_default().trim_start();
            state.starts_with('T')
        })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Not a test by itself: the child process that is stopped. It appends until it is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writer_that_is_stopped() {
    let Ok(url) = std::env::var(CHILD_URL) else {
        return;
    };
    let store = open(&url).await;
    for number in 0.. {
        let stream = stream(format!("child-{}", number % 10));
        let batch: Vec<_> = (0..20)
            .map(|n| {
                commit(
                    command(2, number * 20 + n),
                    &stream,
                    ExpectedVersion::Any,
                    "{}",
                )
            })
            .collect();
        store.append(&batch).await.expect("append");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_writer_does_not_block_the_log() {
    let database = test_postgres::database().await;
    let store = open(&database.url).await;
    let writer = Writer::start(&database.url);
    let mut head = Position::START;
    for stop in 0..STOPS {
        let wanted = Position(head.0 + 1 + stop % 7);
        within("the writer", store.wait_for(wanted))
            .await
            .expect("the head");
        writer.signal("-STOP");
        within("the stop", async {
            while !writer.is_stopped() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
        let own = commit(command(1, stop), &stream("own"), ExpectedVersion::Any, "{}");
        let answers = tokio::time::timeout(WAIT_TIMEOUT, store.append(&[own]))
            .await
            .expect("a stopped writer blocks the log")
            .expect("append");
        head = answers[0].as_ref().expect("accepted").last;
        writer.signal("-CONT");
    }
    drop(writer);
    let commands = check_log(&store).await;
    let own = (0..STOPS).filter(|stop| commands.contains(&command(1, *stop)));
    assert_eq!(own.count() as u64, STOPS);
    println!("stopped {STOPS} times, {} commits", commands.len());
}
