//! Certificates that are replaced while they are in use.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::thread::JoinHandle;

use platform::Tasks;
use platform::runtime::{ConnectionLimits, GrpcChannel};
use platform::tls::ClientTls;
use rustix::process::{Signal, getpid, kill_process};
use test_certificates::{Authority, Stored};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::support::{self, HOST, World, client_tls, connect};

/// The certificate that a new connection is shown.
async fn shown(tls: &ClientTls, address: SocketAddr) -> Option<Vec<u8>> {
    let stream = connect(tls, address, &["h2"]).await.ok()?;
    let chain = stream.get_ref().1.peer_certificates()?;
    Some(chain.first()?.to_vec())
}

async fn until_replaced(tls: &ClientTls, address: SocketAddr, old: &[u8]) -> Vec<u8> {
    let begin = Instant::now();
    loop {
        match shown(tls, address).await {
            Some(new) if new != old => return new,
            _ => assert!(begin.elapsed() < support::TIMEOUT, "it is not replaced"),
        }
        sleep(std::time::Duration::from_millis(20)).await;
    }
}

fn replace(world: &World, stored: &Stored) {
    let issued = world.authority.issue(&[HOST]).expect("a certificate");
    write(&stored.certificate, &issued.certificate);
    write(&stored.key, &issued.key);
}

fn write(path: &Path, content: &str) {
    fs::write(path, content).expect("written");
}

#[tokio::test(start_paused = true)]
async fn a_listener_uses_certificates_that_replace_its_own() {
    let (world, tasks) = (World::new(), Tasks::new());
    let limits = ConnectionLimits::default();
    let address = support::http(&world.settings(), limits, &tasks).await;
    let tls = client_tls(&world.settings()).expect("valid").expect("TLS");
    let old = shown(&tls, address).await.expect("a certificate");
    // A renewal that was interrupted: the key is not that of the certificate.
    let issued = world.authority.issue(&[HOST]).expect("a certificate");
    write(&world.server.certificate, &issued.certificate);
    sleep(std::time::Duration::from_mins(1)).await;
    assert_eq!(
        shown(&tls, address).await.as_ref(),
        Some(&old),
        "the previous one stays"
    );
    fs::remove_file(&world.server.key).expect("removed");
    sleep(std::time::Duration::from_mins(1)).await;
    assert_eq!(
        shown(&tls, address).await.as_ref(),
        Some(&old),
        "the previous one stays"
    );
    write(&world.server.key, &issued.key);
    until_replaced(&tls, address, &old).await;
}

#[tokio::test]
async fn a_hangup_signal_reads_certificates_again() {
    let (world, tasks) = (World::new(), Tasks::new());
    let address = support::grpc(&world.settings(), &tasks).await;
    let tls = client_tls(&world.settings()).expect("valid").expect("TLS");
    let old = shown(&tls, address).await.expect("a certificate");
    replace(&world, &world.server);
    kill_process(getpid(), Signal::HUP).expect("sent");
    until_replaced(&tls, address, &old).await;
}

#[tokio::test]
async fn calls_present_the_certificate_that_replaces_their_own() {
    let (world, tasks) = (World::new(), Tasks::new());
    let address = support::grpc(&world.mutual(), &tasks).await;
    let stranger = Authority::new("others").expect("an authority");
    let stranger = stranger.issue(&[HOST]).expect("a certificate");
    write(&world.client.certificate, &stranger.certificate);
    write(&world.client.key, &stranger.key);
    let tls = client_tls(&world.settings()).expect("valid");
    let channel = GrpcChannel::remote(HOST, address.port(), tls.as_ref()).expect("an address");
    let check = async || {
        let mut client = HealthClient::new(channel.clone());
        client.check(HealthCheckRequest::default()).await
    };
    assert!(check().await.is_err(), "the certificate is a stranger's");
    replace(&world, &world.client);
    assert!(
        check().await.is_ok(),
        "the certificate is that of the authority"
    );
    write(&world.client.certificate, "no certificate");
    assert!(check().await.is_ok(), "the previous one stays");
}

/// A file that is being read until its reader's test has done something else.
struct SlowFile {
    is_read: oneshot::Receiver<()>,
    done: mpsc::Sender<()>,
    writer: JoinHandle<bool>,
}

impl SlowFile {
    /// Replaces a file by one with the same content.
    fn new(path: &Path) -> Self {
        let (path, content) = (path.to_owned(), fs::read(path).expect("a file"));
        fs::remove_file(&path).expect("removed");
        let made = Command::new("mkfifo").arg(&path).status();
        assert!(made.expect("mkfifo runs").success());
        let (reading, is_read) = oneshot::channel();
        let (done, is_done) = mpsc::channel();
        let writer = std::thread::spawn(move || {
            // Opens as soon as the reader does.
            let pipe = OpenOptions::new().write(true).open(&path);
            let mut pipe = pipe.expect("a pipe");
            let _ = reading.send(());
            let is_done = is_done.recv_timeout(support::TIMEOUT).is_ok();
            pipe.write_all(&content).expect("written");
            // The next reader finds a plain file. This one reads until the pipe is closed.
            fs::remove_file(&path).expect("removed");
            fs::write(&path, &content).expect("written");
            is_done
        });
        Self {
            is_read,
            done,
            writer,
        }
    }

    async fn wait_until_it_is_read(&mut self) {
        (&mut self.is_read).await.expect("it is read");
    }

    fn finish(self) {
        let _ = self.done.send(());
        let is_done = self.writer.join().expect("written");
        assert!(is_done, "other tasks had to wait for the file");
    }
}

#[tokio::test(start_paused = true)]
async fn connections_are_accepted_while_a_listener_reads_its_certificate() {
    let (world, tasks) = (World::new(), Tasks::new());
    let limits = ConnectionLimits::default();
    let address = support::http(&world.settings(), limits, &tasks).await;
    let tls = client_tls(&world.settings()).expect("valid").expect("TLS");
    let mut slow = SlowFile::new(&world.server.key);
    slow.wait_until_it_is_read().await;
    assert!(shown(&tls, address).await.is_some());
    slow.finish();
}

#[tokio::test]
async fn other_tasks_run_while_a_call_reads_its_certificates() {
    let (world, tasks) = (World::new(), Tasks::new());
    let address = support::http(&world.settings(), ConnectionLimits::default(), &tasks).await;
    let tls = client_tls(&world.settings()).expect("valid").expect("TLS");
    let mut slow = SlowFile::new(&world.folder.path().join("ca.crt"));
    let call = tokio::spawn(async move { shown(&tls, address).await });
    slow.wait_until_it_is_read().await;
    slow.finish();
    assert!(call.await.expect("no panic").is_some());
}
