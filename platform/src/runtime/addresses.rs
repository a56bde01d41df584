//! Connects to one of the addresses of a name.
//!
//! A name has several where replicas are found without a proxy, such as a headless Service of Kubernetes. Each attempt starts
//! at another one, so that the connections of a process are spread over the replicas, and one that is opened after a replica has
//! stopped does not try that one first again.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

/// A host and a port, which are resolved for each connection.
#[derive(Clone, Debug)]
pub(super) struct Addresses {
    /// With brackets, if it is an IPv6 address.
    host: Arc<str>,
    port: u16,
    attempts: Arc<AtomicUsize>,
}

impl Addresses {
    pub(super) fn new(host: &str, port: u16) -> Self {
        Self {
            host: host.into(),
            port,
            attempts: Arc::default(),
        }
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Connects to the first address that accepts within its share of `limit`.
    ///
    /// # Errors
    /// The name has no address, or none accepts.
    pub(super) async fn connect(&self, limit: Duration) -> io::Result<TcpStream> {
        let found = lookup_host(format!("{}:{}", self.host, self.port)).await?;
        let attempt = self.attempts.fetch_add(1, Relaxed);
        connect_to_any(in_turn(found.collect(), attempt), limit).await
    }
}

/// The addresses with another first one for each attempt. Those of the first one's family stay in front: the system prefers it,
/// and the other one may have no route.
fn in_turn(found: Vec<SocketAddr>, attempt: usize) -> Vec<SocketAddr> {
    let is_ipv4 = found.first().is_some_and(SocketAddr::is_ipv4);
    let (mut preferred, others): (Vec<_>, Vec<_>) = found
        .into_iter()
        .partition(|address| address.is_ipv4() == is_ipv4);
    if !preferred.is_empty() {
        let first = attempt % preferred.len();
        preferred.rotate_left(first);
    }
    preferred.extend(others);
    preferred
}

async fn connect_to_any(addresses: Vec<SocketAddr>, limit: Duration) -> io::Result<TcpStream> {
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    let share = limit / u32::try_from(addresses.len().max(1)).unwrap_or(u32::MAX);
    for address in addresses {
        let connected = timeout(share, TcpStream::connect(address)).await;
        match connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::Duration;

    use tokio::net::TcpListener;

    use super::{connect_to_any, in_turn};

    fn address(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn each_attempt_starts_at_another_address_of_the_preferred_family() {
        let [first, second, other] = ["10.0.0.1:1", "10.0.0.2:1", "[fd00::1]:1"].map(address);
        let found = || vec![first, other, second];
        assert_eq!(in_turn(found(), 0), [first, second, other]);
        assert_eq!(in_turn(found(), 1), [second, first, other]);
        assert_eq!(in_turn(found(), 2), [first, second, other]);
        assert_eq!(in_turn(Vec::new(), 3), []);
    }

    #[tokio::test]
    async fn an_address_that_refuses_is_passed_over() {
        const LIMIT: Duration = Duration::from_secs(20);
        let listener = async || TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let (stopped, running) = (listener().await, listener().await);
        let [refusing, accepting] = [&stopped, &running].map(|listener| {
            let bound = listener.local_addr();
            bound.expect("an address")
        });
        drop(stopped);
        let stream = connect_to_any(vec![refusing, accepting], LIMIT).await;
        let peer = stream.expect("connected").peer_addr().expect("a peer");
        assert_eq!(peer, accepting);
        assert!(connect_to_any(vec![refusing], LIMIT).await.is_err());
        let error = connect_to_any(Vec::new(), LIMIT).await.expect_err("none");
        assert_eq!(error.to_string(), "the name has no address");
    }
}
