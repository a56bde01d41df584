//! Clients that keep connections open without sending valid requests.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::process::Listeners;

const HALF_A_HEAD: &[u8] = b"POST /graphql HTTP/1.1\r\nhost: loc";
const HEAD: &[u8] = b"POST /graphql HTTP/1.1\r\nhost: localhost\r\n\
    content-type: application/json\r\ncontent-length: 1000\r\n\r\n";
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
const PING: &[u8] = &[0, 0, 8, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
const FLOOD_FRAMES: usize = 200;
/// The pause between two bytes of a slow body, and between two connections of one attacker.
const PAUSE: Duration = Duration::from_secs(1);
/// The time over which the attackers are started.
const START_DURATION: Duration = Duration::from_secs(3);
/// The number of source addresses: enough that neither the limit for one peer nor the ports of one address matter.
const SOURCES: u8 = 20;

/// The behaviour of an attacker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Silent,
    HalfAHead,
    NoBody,
    SlowBody,
    NoPreface,
    PrefaceAlone,
    SilentAfterSettings,
    PingFlood,
    SettingsFlood,
}

const HTTP: [Kind; 4] = [Kind::Silent, Kind::HalfAHead, Kind::NoBody, Kind::SlowBody];
const GRPC: [Kind; 5] = [
    Kind::NoPreface,
    Kind::PrefaceAlone,
    Kind::SilentAfterSettings,
    Kind::PingFlood,
    Kind::SettingsFlood,
];
const KINDS: usize = HTTP.len() + GRPC.len();

/// The numbers of open and closed connections.
#[derive(Debug, Default)]
pub struct Counts {
    pub open: AtomicU64,
    pub most_open: AtomicU64,
    /// Connections that the shop closed, by kind.
    pub ended: [AtomicU64; KINDS],
    /// Closed with a 408 response.
    pub with_408: AtomicU64,
    /// Closed with a GOAWAY frame.
    pub with_goaway: AtomicU64,
}

/// The attackers, until they are dropped.
#[derive(Debug)]
pub struct Attackers {
    _running: JoinSet<()>,
    pub counts: Arc<Counts>,
}

impl Attackers {
    /// Starts `count` attackers: two fifths at the gateway, a fifth at each gRPC listener, a tenth at each metrics listener.
    pub fn start(listeners: Listeners, count: usize) -> Self {
        let counts = Arc::new(Counts::default());
        let mut running = JoinSet::new();
        for number in 0..count {
            let begin = START_DURATION * u32::try_from(number).unwrap_or_default()
                / u32::try_from(count).unwrap_or(1);
            let (listener, kind) = assignment(&listeners, number);
            let counts = Arc::clone(&counts);
            running.spawn(async move {
                sleep(begin).await;
                attack(listener, source(number), kind, counts).await;
            });
        }
        Self {
            _running: running,
            counts,
        }
    }
}

impl Counts {
    /// The number of connections of each kind that the shop closed.
    pub fn ended(&self) -> Vec<(Kind, u64)> {
        let kinds = HTTP.into_iter().chain(GRPC);
        let ended = self.ended.iter().map(|ended| ended.load(Ordering::Relaxed));
        kinds.zip(ended).collect()
    }

    fn begin(&self) {
        let open = self.open.fetch_add(1, Ordering::Relaxed) + 1;
        self.most_open.fetch_max(open, Ordering::Relaxed);
    }

    fn end(&self, kind: Kind, received: &[u8]) {
        self.open.fetch_sub(1, Ordering::Relaxed);
        let mut kinds = HTTP.into_iter().chain(GRPC);
        if let Some(index) = kinds.position(|other| other == kind) {
            self.ended[index].fetch_add(1, Ordering::Relaxed);
        }
        if received.starts_with(b"HTTP/1.1 408 ") {
            self.with_408.fetch_add(1, Ordering::Relaxed);
        }
        if GRPC.contains(&kind) && ends_in_goaway(received) {
            self.with_goaway.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The listener and behaviour of an attacker. Floods are few, because they would only measure the machine.
fn assignment(listeners: &Listeners, number: usize) -> (SocketAddr, Kind) {
    let round = number / 10;
    let silent = [Kind::Silent, Kind::HalfAHead][round % 2];
    let grpc = match round % 50 {
        0 => Kind::PingFlood,
        1 => Kind::SettingsFlood,
        _ => [
            Kind::NoPreface,
            Kind::PrefaceAlone,
            Kind::SilentAfterSettings,
        ][round % 3],
    };
    match number % 10 {
        0..=3 => (listeners.gateway, HTTP[number % 10]),
        4 => (listeners.command_metrics, silent),
        5 => (listeners.query_metrics, silent),
        6 | 7 => (listeners.command_grpc, grpc),
        _ => (listeners.query_grpc, grpc),
    }
}

/// A loopback address: all of 127/8 belong to this machine.
fn source(number: usize) -> IpAddr {
    let last = u8::try_from(number % usize::from(SOURCES)).unwrap_or_default();
    Ipv4Addr::new(127, 0, 1, 1 + last).into()
}

fn ends_in_goaway(frames: &[u8]) -> bool {
    const LENGTH: usize = 17;
    let start = frames.len().checked_sub(LENGTH);
    start.is_some_and(|start| frames[start..start + 5] == [0, 0, 8, 7, 0])
}

async fn attack(listener: SocketAddr, from: IpAddr, kind: Kind, counts: Arc<Counts>) {
    loop {
        if let Ok(stream) = connect(listener, from).await {
            counts.begin();
            let received = annoy(stream, kind).await;
            counts.end(kind, &received);
        }
        sleep(PAUSE).await;
    }
}

async fn connect(listener: SocketAddr, from: IpAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(from, 0))?;
    socket.connect(listener).await
}

/// Behaves according to `kind` until the connection ends, and returns the received bytes.
async fn annoy(stream: TcpStream, kind: Kind) -> Vec<u8> {
    let (read, write) = stream.into_split();
    let mut received = Vec::new();
    tokio::select! {
        () = listen(read, &mut received) => {}
        () = speak(write, kind) => {}
    }
    received
}

async fn listen(mut read: OwnedReadHalf, received: &mut Vec<u8>) {
    // An error, such as a reset, ends the connection too.
    let _ = read.read_to_end(received).await;
}

/// Sends according to `kind`. Never returns; the reading side ends the connection.
async fn speak(mut write: OwnedWriteHalf, kind: Kind) {
    let begin = match kind {
        Kind::Silent | Kind::NoPreface => Vec::new(),
        Kind::HalfAHead => HALF_A_HEAD.to_vec(),
        Kind::NoBody | Kind::SlowBody => HEAD.to_vec(),
        Kind::PrefaceAlone => PREFACE.to_vec(),
        Kind::SilentAfterSettings => [PREFACE, SETTINGS].concat(),
        Kind::PingFlood => [PREFACE, SETTINGS, &PING.repeat(FLOOD_FRAMES)].concat(),
        Kind::SettingsFlood => [PREFACE, &SETTINGS.repeat(FLOOD_FRAMES)].concat(),
    };
    // A write error is ignored, because the reading side notices the end.
    let _ = write.write_all(&begin).await;
    if kind != Kind::SlowBody {
        std::future::pending::<()>().await;
    }
    loop {
        sleep(PAUSE).await;
        let _ = write.write_all(b"{").await;
    }
}
