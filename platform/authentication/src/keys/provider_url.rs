//! The URL of a provider of keys.

use std::fmt;
use std::str::FromStr;

use url::{Host, Url};

use crate::error::KeyError;

/// An `https` URL, or an `http` URL on this machine: the server that answers it decides which tokens are valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderUrl(Url);

impl ProviderUrl {
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.0
    }

    /// The URL with this path after its own.
    #[must_use]
    pub fn join(&self, path: &str) -> Self {
        let mut url = self.0.clone();
        let joined = format!("{}/{path}", url.path().trim_end_matches('/'));
        url.set_path(&joined);
        Self(url)
    }
}

impl FromStr for ProviderUrl {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let refused = || KeyError::InsecureUrl(text.chars().take(100).collect());
        let url = Url::parse(text).map_err(|_| refused())?;
        let is_local = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        let is_safe =
            url.scheme() == "https" && url.has_host() || url.scheme() == "http" && is_local;
        let is_plain =
            url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        if is_safe && is_plain {
            Ok(Self(url))
        } else {
            Err(refused())
        }
    }
}

impl fmt::Display for ProviderUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::ProviderUrl;

    #[test]
    fn keys_come_over_tls_or_from_this_machine() {
        for text in [
            "https://id.example/realms/shop",
            "http://127.0.0.1:9/keys",
            "http://[::1]/",
            "http://localhost:8080",
        ] {
            assert!(text.parse::<ProviderUrl>().is_ok(), "{text}");
        }
        for text in [
            "http://id.example/",
            "ftp://localhost/",
            "https://",
            "id.example",
            "https://user:secret@id.example/",
            "https://id.example/#x",
            "http://localhost.example/",
        ] {
            assert!(text.parse::<ProviderUrl>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_path_is_added_with_one_slash() {
        for text in [
            "https://id.example/realms/shop",
            "https://id.example/realms/shop/",
        ] {
            let url: ProviderUrl = text.parse().expect("a URL");
            assert_eq!(
                url.join(".well-known/x").to_string(),
                "https://id.example/realms/shop/.well-known/x"
            );
        }
    }
}
