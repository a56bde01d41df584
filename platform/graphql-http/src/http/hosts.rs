//! Protection against DNS rebinding.
//!
//! Without authentication, any client that reaches the gateway has full access. An attacker's web page can resolve its own
//! domain to this machine (DNS rebinding); the browser then treats the gateway as the page's own server and lets the page
//! read the responses. Only the Host header reveals this, so requests with an unexpected host name are rejected.

use std::sync::Arc;

use axum::extract::Request;
use event_sourcing::quoted;
use platform::runtime::host_of;

use super::page::address;
use crate::errors::{ApiError, Code};

/// The names allowed in a Host header, in addition to `localhost` and IP addresses, which an attacker cannot resolve to
/// another machine.
#[derive(Clone, Debug, Default)]
pub struct AllowedHosts(Arc<[String]>);

impl AllowedHosts {
    #[must_use]
    pub fn new(names: &[String]) -> Self {
        Self(names.iter().map(|name| name.to_lowercase()).collect())
    }

    /// # Errors
    /// The host of the request is not allowed.
    pub fn require(&self, request: &Request) -> Result<(), ApiError> {
        let host = host_of(request.uri(), request.headers());
        if host.as_deref().is_some_and(|host| self.allows(host)) {
            return Ok(());
        }
        let given = quoted(&host.unwrap_or_default());
        let message =
            format!("the Host must be an address, localhost or one of ALLOWED_HOSTS, got {given}");
        Err(ApiError::new(Code::Forbidden, message))
    }

    fn allows(&self, host: &str) -> bool {
        let name = host.to_lowercase();
        address(host).is_some() || name == "localhost" || self.0.contains(&name)
    }
}

#[cfg(test)]
mod tests {
    use super::AllowedHosts;

    #[test]
    fn addresses_localhost_and_listed_names_are_allowed() {
        let hosts = AllowedHosts::new(&["Shop.example".to_owned()]);
        for allowed in [
            "127.0.0.1",
            "10.1.2.3",
            "[::1]",
            "localhost",
            "LOCALHOST",
            "shop.EXAMPLE",
        ] {
            assert!(hosts.allows(allowed), "{allowed}");
        }
        for denied in [
            "",
            "evil.example",
            "shop.example.evil",
            "localhost.evil",
            "127.0.0.1.nip.io",
        ] {
            assert!(!hosts.allows(denied), "{denied}");
        }
    }
}
