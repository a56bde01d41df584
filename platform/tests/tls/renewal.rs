//! Certificates that are replaced while they are in use.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use platform::Tasks;
use platform::runtime::{ConnectionLimits, GrpcChannel};
use platform::tls::ClientTls;
use rustix::process::{Signal, getpid, kill_process};
use test_certificates::{Authority, Stored};
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
