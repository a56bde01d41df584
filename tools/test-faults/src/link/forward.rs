//! Accepts connections and forwards their bytes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::cut::Way;
use super::faults::Shared;
use super::target::Target;

/// The pause before retrying to bind a port that is still in use.
const BIND_PAUSE: Duration = Duration::from_millis(5);
const BUFFER_BYTES: usize = 16 * 1024;

pub(super) async fn serve(first: TcpListener, address: SocketAddr, shared: Arc<Shared>) {
    let mut away = shared.away();
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
                    shared.count_accepted();
                    connections.spawn(carry(client, Arc::clone(&shared)));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Forwards one connection until one side or the link ends it.
async fn carry(mut client: TcpStream, shared: Arc<Shared>) -> Result<()> {
    let mut ends = shared.ends();
    let target = shared.target().context("the link has no target")?;
    client.set_nodelay(true)?;
    let both = async {
        match target {
            Target::Tcp(address) => {
                let server = TcpStream::connect(address).await?;
                server.set_nodelay(true)?;
                exchange(&mut client, server, &shared).await
            }
            Target::Unix(path) => {
                let server = UnixStream::connect(path).await?;
                exchange(&mut client, server, &shared).await
            }
        }
    };
    tokio::select! {
        // An end comes before what arrives at the same time: bytes that waited are lost.
        biased;
        _ = ends.changed() => {}
        ended = both => return ended,
    }
    if ends.borrow().is_reset {
        client.set_zero_linger()?;
    }
    Ok(())
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
        shared.wait(way).await;
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
