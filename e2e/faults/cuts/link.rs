//! A TCP proxy that closes its connections at a chosen byte.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

/// The pause before retrying to bind a port that is still in use.
const BIND_PAUSE: Duration = Duration::from_millis(5);
const BUFFER_BYTES: usize = 16 * 1024;

/// The target of a link.
#[derive(Clone, Debug)]
pub enum Target {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// A direction of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the client.
    There,
    Back,
}

/// When a link is cut: after this many bytes in one direction, summed over all connections.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    pub way: Way,
    pub after: u64,
    /// Whether connections are refused afterwards, until the link is restored.
    pub stays: bool,
}

#[derive(Debug, Default)]
struct State {
    target: Option<Target>,
    /// Bytes passed since the link was armed, in both directions.
    passed: [u64; 2],
    cut: Option<Cut>,
}

/// A proxy. Dropping it closes it.
#[derive(Debug)]
pub struct Link {
    pub name: &'static str,
    pub address: SocketAddr,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// The number of cuts. Every connection ends when it changes.
    cuts: watch::Sender<u64>,
    /// Whether connections are refused.
    is_away: watch::Sender<bool>,
}

impl Link {
    /// A link without a target yet.
    pub async fn open(name: &'static str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            cuts: watch::Sender::new(0),
            is_away: watch::Sender::new(false),
        });
        let serving = tokio::spawn(serve(listener, address, Arc::clone(&shared)));
        Ok(Self {
            name,
            address,
            shared,
            serving,
        })
    }

    pub fn lead_to(&self, target: Target) {
        self.shared.lock().target = Some(target);
    }

    /// Resets the byte counts, and cuts the link at `cut`.
    pub fn arm(&self, cut: Option<Cut>) {
        let mut state = self.shared.lock();
        state.passed = [0; 2];
        state.cut = cut;
    }

    /// Disarms the link, and accepts connections again. Returns whether it was cut.
    pub fn mend(&self) -> bool {
        let waits = self.shared.lock().cut.take().is_some();
        self.shared.is_away.send_replace(false);
        !waits
    }

    /// The bytes passed in both directions since the link was armed.
    pub fn passed(&self) -> [u64; 2] {
        self.shared.lock().passed
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many of `bytes` may pass before the cut.
    fn admit(&self, way: Way, bytes: usize) -> usize {
        let mut state = self.lock();
        let passed = &mut state.passed[usize::from(way == Way::Back)];
        let before = *passed;
        *passed += bytes as u64;
        let now = *passed;
        let Some(cut) = state.cut.filter(|cut| cut.way == way && now >= cut.after) else {
            return bytes;
        };
        state.cut = None;
        drop(state);
        self.is_away.send_replace(cut.stays);
        self.cuts.send_modify(|cuts| *cuts += 1);
        usize::try_from(cut.after.saturating_sub(before)).unwrap_or(bytes)
    }
}

async fn serve(first: TcpListener, address: SocketAddr, shared: Arc<Shared>) {
    let mut away = shared.is_away.subscribe();
    let mut listener = Some(first);
    let mut connections = JoinSet::new();
    loop {
        if *away.borrow_and_update() {
            // The listener is closed, so that connections are refused as by a machine on which nothing listens.
            listener = None;
            if away.changed().await.is_err() {
                return;
            }
            continue;
        }
        let Some(open) = &listener else {
            match TcpListener::bind(address).await {
                Ok(bound) => listener = Some(bound),
                Err(_) => sleep(BIND_PAUSE).await,
            }
            continue;
        };
        tokio::select! {
            _ = away.changed() => {}
            accepted = open.accept() => {
                if let Ok((client, _)) = accepted {
                    connections.spawn(carry(client, Arc::clone(&shared)));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Forwards one connection until one side or the link ends it.
async fn carry(client: TcpStream, shared: Arc<Shared>) -> Result<()> {
    let mut cuts = shared.cuts.subscribe();
    let target = shared
        .lock()
        .target
        .clone()
        .context("the link has no target")?;
    client.set_nodelay(true)?;
    let both = async {
        match target {
            Target::Tcp(address) => {
                let server = TcpStream::connect(address).await?;
                server.set_nodelay(true)?;
                exchange(client, server, &shared).await
            }
            Target::Unix(path) => {
                let server = UnixStream::connect(path).await?;
                exchange(client, server, &shared).await
            }
        }
    };
    tokio::select! {
        ended = both => ended,
        _ = cuts.changed() => Ok(()),
    }
}

async fn exchange<A, B>(client: A, server: B, shared: &Shared) -> Result<()>
where
    A: AsyncRead + AsyncWrite,
    B: AsyncRead + AsyncWrite,
{
    let (from_client, to_client) = split(client);
    let (from_server, to_server) = split(server);
    tokio::select! {
        ended = pump(from_client, to_server, Way::There, shared) => ended,
        ended = pump(from_server, to_client, Way::Back, shared) => ended,
    }
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    way: Way,
    shared: &Shared,
) -> Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return Ok(());
        }
        let admitted = shared.admit(way, read);
        to.write_all(&buffer[..admitted]).await?;
        to.flush().await?;
        if admitted < read {
            return Ok(());
        }
    }
}
