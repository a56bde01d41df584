//! Certificates that are replaced while they are in use.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use platform::Tasks;
use platform::runtime::ConnectionLimits;
use platform::tls::ClientTls;
use rustix::process::{Signal, getpid, kill_process};
use test_certificates::Stored;
use tokio::time::{Instant, sleep};

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
    let tls = client_tls(&world.settings()).expect("valid").expect("TLS");
    write(&world.client.certificate, "no certificate");
    assert!(
        shown(&tls, address).await.is_some(),
        "the previous one stays"
    );
    replace(&world, &world.client);
    assert!(shown(&tls, address).await.is_some());
}
