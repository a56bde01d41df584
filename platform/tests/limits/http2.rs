//! Limits of gRPC connections.

use std::net::SocketAddr;
use std::time::Duration;

use platform::Tasks;
use platform::runtime::{ConnectionLimits, GrpcChannel};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::peer::{self, Peer};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
const PING: [u8; 17] = [0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];
const WINDOW_UPDATE: [u8; 13] = [0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0, 1];
const PRIORITY: [u8; 14] = [0, 0, 5, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 16];
const UNKNOWN: [u8; 9] = [0, 0, 0, 0xee, 0, 0, 0, 0, 0];
const SETTINGS_TIMEOUT: u32 = 0x4;
const ENHANCE_YOUR_CALM: u32 = 0xb;

async fn served() -> (SocketAddr, Tasks) {
    let tasks = Tasks::new();
    let address = peer::grpc(ConnectionLimits::default(), &tasks).await;
    (address, tasks)
}

/// The error code of the GOAWAY at the end of these frames, and the number of PING acknowledgements before it.
fn goaway(mut bytes: &[u8]) -> (Option<u32>, usize) {
    const PONG: (u8, u8) = (6, 1);
    let mut pongs = 0;
    while let Some((header, rest)) = bytes.split_first_chunk::<9>() {
        let [_, high, low, kind, flags, ..] = *header;
        let (payload, rest) = rest.split_at(usize::from(u16::from_be_bytes([high, low])));
        if kind == 7 {
            assert!(rest.is_empty(), "something follows GOAWAY: {rest:?}");
            let error = payload[4..8].try_into().expect("an error code");
            return (Some(u32::from_be_bytes(error)), pongs);
        }
        pongs += usize::from((kind, flags) == PONG);
        bytes = rest;
    }
    (None, pongs)
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_a_preface_is_closed() {
    let (address, _tasks) = served().await;
    for begin in [b"".as_slice(), &PREFACE[..10], PREFACE] {
        let mut peer = Peer::connect(address).await;
        peer.send(begin).await;
        let (bytes, after) = peer.rest().await;
        assert_eq!(goaway(&bytes).0, Some(SETTINGS_TIMEOUT), "{begin:?}");
        assert!(after >= Duration::from_secs(5) && after < Duration::from_secs(7));
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_silent_after_its_preface_is_closed() {
    let (address, _tasks) = served().await;
    let mut peer = Peer::connect(address).await;
    peer.send([PREFACE, &SETTINGS].concat()).await;
    let (_, after) = peer.rest().await;
    assert!(
        after > Duration::from_secs(7) && after < Duration::from_mins(1),
        "{after:?}"
    );
}

#[tokio::test]
async fn a_flood_of_frames_without_messages_gets_a_goaway() {
    let (address, _tasks) = served().await;
    for (frame, count) in [
        (PING.as_slice(), 1_000),
        (&SETTINGS, 1_000),
        (&PRIORITY, 1_000),
        (&UNKNOWN, 1_000),
        (&WINDOW_UPDATE, 20_000),
    ] {
        let mut peer = Peer::connect(address).await;
        peer.send([PREFACE, &SETTINGS].concat()).await;
        peer.send(frame.repeat(count)).await;
        let (bytes, _) = peer.rest().await;
        let (error, pongs) = goaway(&bytes);
        assert_eq!(error, Some(ENHANCE_YOUR_CALM), "{frame:?}");
        assert!(pongs <= 100, "{pongs}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_flood_over_several_seconds_gets_a_goaway() {
    let (address, _tasks) = served().await;
    let mut peer = Peer::connect(address).await;
    peer.send([PREFACE, &SETTINGS].concat()).await;
    for _ in 0..150 {
        peer.send(PING).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (bytes, _) = peer.rest().await;
    assert_eq!(goaway(&bytes).0, Some(ENHANCE_YOUR_CALM));
}

/// The HEADERS frame of a call of `/grpc.health.v1.Health/Check`, before its body.
fn call() -> Vec<u8> {
    const PATH: &str = "/grpc.health.v1.Health/Check";
    const POST: u8 = 0x83;
    const HTTP: u8 = 0x86;
    const END_HEADERS: u8 = 0x4;
    let literal = |name: &[u8], value: &str| {
        let length = u8::try_from(value.len()).expect("a short value");
        [name, &[length], value.as_bytes()].concat()
    };
    let block = [
        vec![POST, HTTP],
        literal(&[0x4], PATH),
        literal(&[0x1], "a"),
        literal(&[0xf, 0x10], "application/grpc"),
    ]
    .concat();
    let length = u8::try_from(block.len()).expect("a short block");
    [vec![0, 0, length, 1, END_HEADERS, 0, 0, 0, 1], block].concat()
}

#[tokio::test(start_paused = true)]
async fn the_body_of_a_call_must_arrive_in_time() {
    const HEADERS: u8 = 1;
    let (address, _tasks) = served().await;
    let mut peer = Peer::connect(address).await;
    let begin = tokio::time::Instant::now();
    peer.send([PREFACE, &SETTINGS, &call()].concat()).await;
    loop {
        let header = peer.read(9).await;
        let payload = peer.read(usize::from(header[2])).await;
        if header[3] == HEADERS {
            assert_eq!(header[8], 1, "{payload:?}");
            break;
        }
    }
    let after = begin.elapsed();
    assert!(
        after > Duration::from_secs(9) && after < Duration::from_secs(12),
        "{after:?}"
    );
}

#[tokio::test]
async fn calls_are_not_a_flood() {
    let (address, tasks) = served().await;
    let channel = GrpcChannel::remote("127.0.0.1", address.port(), None).expect("an address");
    for _ in 0..20 {
        let calls = (0..50).map(|_| {
            let mut client = HealthClient::new(channel.clone());
            async move { client.check(HealthCheckRequest::default()).await }
        });
        for answer in futures::future::join_all(calls).await {
            assert_eq!(answer.expect("an answer").into_inner().status, 1);
        }
    }
    drop(channel);
    tasks.drain(Duration::from_secs(20)).await.expect("drained");
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_a_connection_without_a_preface() {
    let (address, tasks) = served().await;
    let mut silent = Peer::connect(address).await;
    silent.send(&PREFACE[..10]).await;
    let drained = tasks.drain(Duration::from_secs(10)).await;
    drained.expect("drained");
}
