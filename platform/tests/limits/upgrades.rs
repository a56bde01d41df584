//! Connections that another protocol takes over, such as WebSocket.

use std::time::Duration;

use platform::Tasks;
use platform::runtime::ConnectionLimits;

use crate::peer::{self, Peer};

const UPGRADE: &str =
    "GET /upgrade HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n";
const GET_ECHO: &str = "GET /echo HTTP/1.1\r\nhost: a\r\n\r\n";

async fn upgraded(peer: &mut Peer) {
    peer.send(UPGRADE).await;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.extend(peer.read(1).await);
    }
    let head = String::from_utf8(head).expect("text");
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
}

#[tokio::test(start_paused = true)]
async fn an_upgraded_connection_has_no_timeouts_and_its_bytes_are_unchanged() {
    let tasks = Tasks::new();
    let address = peer::http(ConnectionLimits::default(), &tasks).await;
    let mut peer = Peer::connect(address).await;
    upgraded(&mut peer).await;
    for bytes in [
        b"a\nb\n\n".as_slice(),
        b"\0GET / HTTP/1.1\n\n",
        &vec![255; 70_000],
    ] {
        // Longer than any timeout of a request.
        tokio::time::sleep(Duration::from_mins(5)).await;
        peer.send(bytes).await;
        assert_eq!(peer.read(bytes.len()).await, bytes);
    }
}

#[tokio::test(start_paused = true)]
async fn an_upgraded_connection_counts_until_it_ends() {
    let tasks = Tasks::new();
    let address = peer::http(ConnectionLimits::at_most(1), &tasks).await;
    let mut peer = Peer::connect(address).await;
    upgraded(&mut peer).await;
    let mut other = Peer::connect(address).await;
    other.send(GET_ECHO).await;
    assert!(other.text().await.0.starts_with("HTTP/1.1 503"));
    drop(peer);
    loop {
        let mut other = Peer::connect(address).await;
        other.send(GET_ECHO).await;
        if other.read(15).await.starts_with(b"HTTP/1.1 405") {
            break;
        }
    }
}
