//! A provider's URL. Each provider reads the parameters that it knows; an unread one is rejected.

use std::net::IpAddr;
use std::str::FromStr;

use url::{Host, Url};

/// A URL whose parameters are being read. Errors state what would be accepted.
#[derive(Debug)]
pub(super) struct ProviderUrl {
    url: Url,
    parameters: Vec<(String, String)>,
    known: Vec<&'static str>,
}

/// A description of what would be accepted.
pub(super) type Accepts = String;

impl ProviderUrl {
    /// Parses `text`, which must have one of `schemes`.
    pub(super) fn parse(text: &str, schemes: &[&str]) -> Result<Self, Accepts> {
        let accepts = || schemes.join(" or ");
        let url = Url::parse(text).map_err(|_| accepts())?;
        let scheme = format!("{}://", url.scheme());
        if !text.contains("://") || !schemes.iter().any(|known| known.starts_with(&scheme)) {
            return Err(accepts());
        }
        let parameters = url.query_pairs().into_owned().collect();
        Ok(Self {
            url,
            parameters,
            known: Vec::new(),
        })
    }

    pub(super) fn scheme(&self) -> &str {
        self.url.scheme()
    }

    /// The host.
    pub(super) fn host(&self) -> Result<&str, Accepts> {
        let host = self.url.host_str().filter(|host| !host.is_empty());
        host.ok_or_else(|| format!("{}://HOST", self.scheme()))
    }

    /// Checks that it has no host, port and path.
    pub(super) fn nowhere(&self) -> Result<(), Accepts> {
        let is_nowhere = self.url.host_str().is_none_or(str::is_empty)
            && self.url.port().is_none()
            && matches!(self.url.path(), "" | "/");
        if is_nowhere {
            Ok(())
        } else {
            Err(format!("{}:// without a host and a path", self.scheme()))
        }
    }

    /// Host and port, as in the URL.
    pub(super) fn authority(&self) -> Result<String, Accepts> {
        let host = self.host()?;
        Ok(match self.url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        })
    }

    pub(super) fn port(&self) -> Option<u16> {
        self.url.port()
    }

    pub(super) fn path(&self) -> &str {
        self.url.path()
    }

    /// User and password, decoded.
    pub(super) fn credentials(&self) -> Option<(String, Option<String>)> {
        let decode = |text: &str| {
            percent_encoding::percent_decode_str(text)
                .decode_utf8_lossy()
                .into_owned()
        };
        (!self.url.username().is_empty())
            .then(|| (decode(self.url.username()), self.url.password().map(decode)))
    }

    /// Whether the host is this machine.
    pub(super) fn is_loopback(&self) -> bool {
        match self.url.host() {
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            Some(Host::Domain(name)) => {
                name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
            }
            None => false,
        }
    }

    /// Rejects credentials in the URL, which other programs would log.
    pub(super) fn without_credentials(&self, setting: &str) -> Result<(), Accepts> {
        if self.credentials().is_some() || self.url.password().is_some() {
            return Err(format!(
                "a URL without user and password; the key goes into {setting}"
            ));
        }
        Ok(())
    }

    /// The parameter `name`, if it is given.
    pub(super) fn text(&mut self, name: &'static str) -> Result<Option<String>, Accepts> {
        self.known.push(name);
        let mut values = self.parameters.iter().filter(|(given, _)| given == name);
        let value = values.next().map(|(_, value)| value.clone());
        if values.next().is_some() {
            return Err(format!("{name} once"));
        }
        Ok(value)
    }

    /// The parameter `name`, parsed and validated by `check`; `accepts` describes the valid values.
    pub(super) fn value<T: FromStr>(
        &mut self,
        name: &'static str,
        accepts: &str,
        check: impl FnOnce(&T) -> bool,
    ) -> Result<Option<T>, Accepts> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        let value = text.parse().ok().filter(check);
        value
            .map(Some)
            .ok_or_else(|| format!("{name} as {accepts}"))
    }

    /// The whole URL, parameters included.
    pub(super) fn into_text(self) -> String {
        self.url.into()
    }

    /// Rejects unread parameters.
    pub(super) fn finish(self) -> Result<(), Accepts> {
        let unknown = |name: &str| !self.known.contains(&name);
        if self.parameters.iter().any(|(name, _)| unknown(name)) {
            return Err(match self.known.as_slice() {
                [] => format!("{}:// without parameters", self.scheme()),
                known => format!("the parameters {}", known.join(", ")),
            });
        }
        Ok(())
    }
}
