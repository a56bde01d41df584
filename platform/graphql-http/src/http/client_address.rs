//! The IP address of a client: the connection's, or the one that a trusted proxy forwards.

use std::net::{IpAddr, SocketAddr};

use http::request::Parts;
use http::{HeaderMap, HeaderName};
use ipnet::IpNet;
use platform::runtime::Peer;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The proxies whose `X-Forwarded-For` is believed.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    #[must_use]
    pub const fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// The address of the client: that of the connection, or if a trusted proxy has it, the last one before the trusted ones. All
    /// earlier ones could be made up. `None` for a request that did not come over a connection.
    pub(super) fn client(&self, request: &Parts) -> Option<IpAddr> {
        let peer = request.extensions.get::<Peer>()?;
        if !self.trusts(peer.address()) {
            return Some(peer.host());
        }
        let forwarded = self.forwarded_for(&request.headers);
        Some(forwarded.map_or_else(|| peer.host(), |address| Peer::new(address).host()))
    }

    fn forwarded_for(&self, headers: &HeaderMap) -> Option<IpAddr> {
        let values = headers.get_all(FORWARDED_FOR).into_iter();
        let values: Vec<&str> = values.filter_map(|value| value.to_str().ok()).collect();
        let hops = values.iter().rev().flat_map(|value| value.rsplit(','));
        let mut client = None;
        for hop in hops {
            // What is no address was not written by a proxy, nor was what stands before it.
            let Some(address) = address(hop.trim()) else {
                return client;
            };
            client = Some(address);
            if !self.trusts(address) {
                break;
            }
        }
        client
    }

    fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// An address with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let of_socket = || text.parse().ok().map(|socket: SocketAddr| socket.ip());
    bare.unwrap_or(text).parse().ok().or_else(of_socket)
}

#[cfg(test)]
mod tests {
    use http::Request;
    use platform::runtime::Peer;

    use super::TrustedProxies;

    fn client(peer: &str, forwarded: &[&str]) -> String {
        let trusted = ["10.0.0.0/8", "::1/128"].map(|text| text.parse().expect("a network"));
        let mut request = Request::new(());
        let peer = Peer::new(peer.parse().expect("an address"));
        request.extensions_mut().insert(peer);
        for value in forwarded {
            let value = value.parse().expect("a value");
            request.headers_mut().append("x-forwarded-for", value);
        }
        let (parts, ()) = request.into_parts();
        let client = TrustedProxies::new(trusted.to_vec()).client(&parts);
        client.expect("a connection").to_string()
    }

    #[test]
    fn only_a_trusted_proxy_says_who_the_client_is() {
        assert_eq!(client("192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
        assert_eq!(client("10.0.0.1", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(client("::ffff:10.0.0.1", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(client("::1", &["198.51.100.7:4711"]), "198.51.100.7");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn what_a_client_has_made_up_is_not_believed() {
        for forwarded in [
            &["1.1.1.1, 198.51.100.7"][..],
            &["1.1.1.1", "198.51.100.7"],
            &["1.1.1.1, 198.51.100.7, 10.0.0.2"],
            &["nonsense, 198.51.100.7,10.0.0.2"],
        ] {
            assert_eq!(
                client("10.0.0.1", forwarded),
                "198.51.100.7",
                "{forwarded:?}"
            );
        }
        assert_eq!(client("10.0.0.1", &["unknown"]), "10.0.0.1");
    }

    #[test]
    fn a_host_with_ipv6_is_its_network() {
        assert_eq!(client("2001:db8::1:2:3:4", &[]), "2001:db8::");
        assert_eq!(client("10.0.0.1", &["[2001:db8::7]:80"]), "2001:db8::");
        assert_eq!(client("10.0.0.1", &["[2001:db8::7]"]), "2001:db8::");
    }
}
