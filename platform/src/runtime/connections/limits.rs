//! Limits of a listener's connections.

use crate::config::{Read, Reader, names};
use crate::runtime::descriptors;

/// Upper bound for one listener, independent of the number of descriptors.
const MAX_CONNECTIONS: usize = 10_000;
/// Limit of concurrent connections over the limit, which only get health and metrics.
const MAX_OVER_LIMIT: usize = 64;

/// Limits of a listener's connections. Those over the limit are served for one second, and only health and metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    pub(super) connections: usize,
    pub(super) over_limit: usize,
    pub(super) per_peer: Option<usize>,
}

impl ConnectionLimits {
    /// The limits of each of the process's `listeners`: three quarters of the available descriptors, divided equally.
    /// The last quarter is reserved for databases, files and connections to other services.
    ///
    /// # Errors
    /// A setting does not parse.
    pub fn read(reader: &mut Reader, listeners: usize) -> Read<Self> {
        let per_peer = reader.find(&names::MAX_CONNECTIONS_PER_PEER)?;
        Ok(Self {
            per_peer: per_peer.map(|count| usize::try_from(count).unwrap_or(usize::MAX)),
            ..Self::share(descriptors::limit(), listeners)
        })
    }

    /// At most `connections`, without a limit per peer.
    #[must_use]
    pub const fn at_most(connections: usize) -> Self {
        Self {
            connections,
            over_limit: MAX_OVER_LIMIT,
            per_peer: None,
        }
    }

    /// Adds a limit for the connections of one peer.
    #[must_use]
    pub const fn per_peer(mut self, connections: usize) -> Self {
        self.per_peer = Some(connections);
        self
    }

    fn share(descriptors: Option<u64>, listeners: usize) -> Self {
        let descriptors = descriptors.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
        let for_connections = descriptors.unwrap_or(usize::MAX) / 4 * 3;
        let share = for_connections / listeners.max(1);
        let over_limit = (share / 4).clamp(1, MAX_OVER_LIMIT);
        Self {
            connections: share.saturating_sub(over_limit).clamp(1, MAX_CONNECTIONS),
            over_limit,
            per_peer: None,
        }
    }
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self::at_most(MAX_CONNECTIONS)
    }
}

#[cfg(test)]
mod tests {
    use super::{ConnectionLimits, MAX_CONNECTIONS};

    #[test]
    fn all_listeners_together_leave_descriptors_for_other_uses() {
        for (descriptors, listeners) in [(256, 5), (1_024, 1), (1_024, 2), (1_024, 5), (20_000, 5)]
        {
            let limits = ConnectionLimits::share(Some(descriptors), listeners);
            let all = (limits.connections + limits.over_limit) * listeners;
            let all = u64::try_from(all).expect("a count");
            assert!(all <= descriptors / 4 * 3, "{descriptors}: {limits:?}");
            assert!(all > descriptors / 2, "{descriptors}: {limits:?}");
        }
        for descriptors in [Some(1_000_000), None] {
            let limits = ConnectionLimits::share(descriptors, 5);
            assert_eq!(limits.connections, MAX_CONNECTIONS);
        }
    }
}
