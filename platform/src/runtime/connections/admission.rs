//! Admission of connections to a listener.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use event_sourcing::FailureLog;
use futures::FutureExt;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::ConnectionLimits;
use crate::fields;
use crate::runtime::Peer;

/// How long a connection over the limit is served.
const OVER_LIMIT_TIMEOUT: Duration = Duration::from_secs(1);
/// The delay after a failed accept, for example when file descriptors are exhausted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The connections of a listener. Cheap to clone; clones share their state.
#[derive(Clone, Debug)]
pub(in crate::runtime) struct Admission(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    listener: &'static str,
    limits: ConnectionLimits,
    open: Mutex<Open>,
    not_accepted: FailureLog,
    over_limit: FailureLog,
}

#[derive(Debug, Default)]
struct Open {
    within_limit: usize,
    /// Counted only if there is a limit per peer.
    by_peer: HashMap<IpAddr, usize>,
    over_limit: BTreeMap<u64, CancellationToken>,
    next_id: u64,
}

/// A connection's permit, which is released when this is dropped.
#[derive(Debug)]
pub(in crate::runtime) struct ConnectionPermit {
    shared: Arc<Shared>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    WithinLimit(IpAddr),
    OverLimit { id: u64, evicted: CancellationToken },
}

impl Admission {
    pub(in crate::runtime) fn new(listener: &'static str, limits: ConnectionLimits) -> Self {
        metrics::counter!("connections_over_limit_total", "listener" => listener).increment(0);
        Self(Arc::new(Shared {
            listener,
            limits,
            open: Mutex::default(),
            not_accepted: FailureLog::new(),
            over_limit: FailureLog::new(),
        }))
    }

    /// Accepts the next connection of `listener`.
    pub(in crate::runtime) async fn accept(
        &self,
        listener: &TcpListener,
    ) -> (TcpStream, Peer, ConnectionPermit) {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    // Without it small responses wait for the client's acknowledgement. A failure is harmless
                    // otherwise.
                    let _ = stream.set_nodelay(true);
                    let peer = Peer::new(peer.ip());
                    return (stream, peer, self.admit(peer));
                }
                Err(error) => {
                    if let Some(suppressed) = self.0.not_accepted.failed(Instant::now()) {
                        tracing::warn!(
                            { fields::ERROR } = %error,
                            { fields::SUPPRESSED } = suppressed,
                            "accepting a connection failed"
                        );
                    }
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    pub(in crate::runtime) fn admit(&self, peer: Peer) -> ConnectionPermit {
        let Shared {
            listener, limits, ..
        } = *self.0;
        let peer = peer.host();
        let mut open = self.0.open.lock();
        let of_peer = open.by_peer.get(&peer).copied().unwrap_or_default();
        let is_within = open.within_limit < limits.connections
            && limits.per_peer.is_none_or(|limit| of_peer < limit);
        let kind = if is_within {
            open.within_limit += 1;
            if limits.per_peer.is_some() {
                open.by_peer.insert(peer, of_peer + 1);
            }
            Kind::WithinLimit(peer)
        } else {
            metrics::counter!("connections_over_limit_total", "listener" => listener).increment(1);
            if let Some(suppressed) = self.0.over_limit.failed(Instant::now()) {
                tracing::warn!(
                    { fields::LISTENER } = listener,
                    { fields::CONNECTIONS } = open.within_limit,
                    { fields::SUPPRESSED } = suppressed,
                    "a connection is over the limit"
                );
            }
            open.admit_over_limit(limits.over_limit)
        };
        ConnectionPermit {
            shared: Arc::clone(&self.0),
            kind,
        }
    }
}

impl Open {
    /// Evicts the oldest connection if there are too many: a health check sends its request immediately, so the
    /// connections that are old are those of silent clients.
    fn admit_over_limit(&mut self, limit: usize) -> Kind {
        if self.over_limit.len() >= limit
            && let Some((_, oldest)) = self.over_limit.pop_first()
        {
            oldest.cancel();
        }
        let id = self.next_id;
        self.next_id += 1;
        let evicted = CancellationToken::new();
        self.over_limit.insert(id, evicted.clone());
        Kind::OverLimit { id, evicted }
    }
}

impl ConnectionPermit {
    pub(in crate::runtime) fn listener(&self) -> &'static str {
        self.shared.listener
    }

    pub(in crate::runtime) const fn is_over_limit(&self) -> bool {
        matches!(self.kind, Kind::OverLimit { .. })
    }

    /// Completes when a connection over the limit must close.
    pub(in crate::runtime) fn end(&self) -> Option<BoxFuture<'static, ()>> {
        match &self.kind {
            Kind::WithinLimit(_) => None,
            Kind::OverLimit { evicted, .. } => {
                let evicted = evicted.clone().cancelled_owned();
                let end = tokio::time::timeout(OVER_LIMIT_TIMEOUT, evicted).map(drop);
                Some(end.boxed())
            }
        }
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut open = self.shared.open.lock();
        match self.kind {
            Kind::WithinLimit(peer) => {
                open.within_limit -= 1;
                if let Some(count) = open.by_peer.get_mut(&peer) {
                    *count -= 1;
                    if *count == 0 {
                        open.by_peer.remove(&peer);
                    }
                }
            }
            Kind::OverLimit { id, .. } => {
                open.over_limit.remove(&id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Admission, ConnectionLimits};
    use crate::runtime::Peer;

    fn ip(text: &str) -> Peer {
        Peer::new(text.parse().expect("an address"))
    }

    #[tokio::test]
    async fn permits_are_limited_and_returned_on_drop() {
        let admission = Admission::new("TEST", ConnectionLimits::at_most(2));
        let first = admission.admit(ip("10.0.0.1"));
        let second = admission.admit(ip("10.0.0.1"));
        assert!(!first.is_over_limit() && !second.is_over_limit());
        assert!(admission.admit(ip("10.0.0.2")).is_over_limit());
        drop(first);
        assert!(!admission.admit(ip("10.0.0.2")).is_over_limit());
        drop(second);
        assert_eq!(admission.0.open.lock().within_limit, 0);
    }

    #[tokio::test]
    async fn each_peer_has_its_own_limit() {
        let admission = Admission::new("TEST", ConnectionLimits::at_most(100).per_peer(1));
        let first = admission.admit(ip("10.0.0.1"));
        assert!(admission.admit(ip("10.0.0.1")).is_over_limit());
        assert!(admission.admit(ip("::ffff:10.0.0.1")).is_over_limit());
        assert!(!admission.admit(ip("10.0.0.2")).is_over_limit());
        drop(first);
        assert!(!admission.admit(ip("10.0.0.1")).is_over_limit());
        let _one = admission.admit(ip("2001:db8:0:1::1"));
        assert!(admission.admit(ip("2001:db8:0:1:2::2")).is_over_limit());
        assert!(!admission.admit(ip("2001:db8:0:2::1")).is_over_limit());
    }

    #[tokio::test(start_paused = true)]
    async fn over_the_limit_the_oldest_are_evicted_and_all_time_out() {
        let mut limits = ConnectionLimits::at_most(0);
        limits.over_limit = 2;
        let admission = Admission::new("TEST", limits);
        let places = [1, 2, 3].map(|_| admission.admit(ip("10.0.0.1")));
        let [oldest, next, newest] = places.each_ref().map(|place| place.end().expect("an end"));
        let start = tokio::time::Instant::now();
        oldest.await;
        assert_eq!(start.elapsed().as_millis(), 0);
        next.await;
        newest.await;
        assert!(start.elapsed().as_millis() >= 1_000);
        drop(places);
        assert!(admission.0.open.lock().over_limit.is_empty());
    }
}
