//! A load balancer for connections, as a Service of Kubernetes is one.
//!
//! It leads each new connection to the next backend that is ready, leaves open ones where they are, and repairs nothing: if the
//! backend refuses, the client's connection ends. Whether a backend is ready it learns from its readiness probe, at intervals.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

const READY: &[u8] = b"HTTP/1.1 200 ";

/// A load balancer. Dropping it closes it with its connections.
#[derive(Debug)]
pub struct Balancer {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
    probing: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    backends: Mutex<Vec<Backend>>,
    connections: AtomicUsize,
}

#[derive(Clone, Copy, Debug)]
struct Backend {
    address: SocketAddr,
    /// Where `/health/ready` is served.
    probed: SocketAddr,
    is_ready: bool,
}

impl Balancer {
    /// A balancer without backends, which probes each at this interval.
    ///
    /// # Errors
    /// There is no free port.
    pub async fn open(interval: Duration) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let shared = Arc::<Shared>::default();
        Ok(Self {
            address,
            serving: tokio::spawn(serve(listener, Arc::clone(&shared))),
            probing: tokio::spawn(probe(interval, Arc::clone(&shared))),
            shared,
        })
    }

    /// Adds a backend, which gets connections once its readiness probe at `probed` succeeds.
    pub fn add(&self, address: SocketAddr, probed: SocketAddr) {
        self.shared.backends().push(Backend {
            address,
            probed,
            is_ready: false,
        });
    }

    /// Removes a backend: it gets no more connections.
    pub fn remove(&self, address: SocketAddr) {
        let mut backends = self.shared.backends();
        backends.retain(|backend| backend.address != address);
    }

    /// How many backends get connections.
    #[must_use]
    pub fn ready(&self) -> usize {
        let backends = self.shared.backends();
        backends.iter().filter(|backend| backend.is_ready).count()
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.serving.abort();
        self.probing.abort();
    }
}

impl Shared {
    fn backends(&self) -> MutexGuard<'_, Vec<Backend>> {
        self.backends.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The ready backends take turns.
    fn next(&self) -> Option<SocketAddr> {
        let backends = self.backends();
        let ready: Vec<_> = backends.iter().filter(|backend| backend.is_ready).collect();
        let turn = self.connections.fetch_add(1, Relaxed);
        let chosen = ready.get(turn.checked_rem(ready.len())?)?;
        Some(chosen.address)
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let (Ok((client, _)), Some(backend)) = (accepted, shared.next()) {
                    connections.spawn(carry(client, backend));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn carry(mut client: TcpStream, backend: SocketAddr) -> Result<()> {
    let mut server = TcpStream::connect(backend).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

async fn probe(interval: Duration, shared: Arc<Shared>) {
    loop {
        let probed: Vec<_> = shared.backends().iter().map(|one| one.probed).collect();
        for address in probed {
            let is_ready = timeout(interval, is_ready(address)).await;
            let is_ready = matches!(is_ready, Ok(Ok(true)));
            for backend in shared.backends().iter_mut() {
                if backend.probed == address {
                    backend.is_ready = is_ready;
                }
            }
        }
        sleep(interval).await;
    }
}

async fn is_ready(address: SocketAddr) -> Result<bool> {
    let mut stream = TcpStream::connect(address).await?;
    let request =
        format!("GET /health/ready HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut start = [0; READY.len()];
    stream.read_exact(&mut start).await?;
    Ok(start == READY)
}
