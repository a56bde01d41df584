//! The other end of a connection.

use std::net::{IpAddr, Ipv6Addr};

/// The address that a request came from, among its extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(IpAddr);

impl Peer {
    #[must_use]
    pub const fn new(address: IpAddr) -> Self {
        Self(address)
    }

    #[must_use]
    pub const fn address(self) -> IpAddr {
        self.0
    }

    /// The host that it belongs to. With IPv6 a host has a /64 network, all addresses of which are its own.
    #[must_use]
    pub fn host(self) -> IpAddr {
        const HOST_PART: u128 = u64::MAX as u128;
        match self.0.to_canonical() {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !HOST_PART).into(),
            address @ IpAddr::V4(_) => address,
        }
    }
}
