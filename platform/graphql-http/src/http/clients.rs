//! Who the clients are, and how much each of them may ask for.

use std::net::IpAddr;
use std::num::NonZeroU32;

use authentication::Caller;
use http::HeaderMap;

use super::authentication::Authentication;
use super::client_address::TrustedProxies;
use super::rate_limit::{RateLimit, Usage};
use crate::errors::ApiError;

/// How clients are known and limited.
#[derive(Clone, Debug)]
pub struct Clients {
    pub authentication: Authentication,
    pub rate: RateLimit,
    pub proxies: TrustedProxies,
}

impl Clients {
    /// Everyone may do everything.
    #[must_use]
    pub fn unlimited() -> Self {
        Self {
            authentication: Authentication::off(),
            rate: RateLimit::off(),
            proxies: TrustedProxies::default(),
        }
    }
}

/// What one client spends.
#[derive(Clone, Debug)]
pub(super) struct Account {
    rate: RateLimit,
    address: Option<IpAddr>,
    usage: Option<Usage>,
}

impl Account {
    pub(super) const fn new(rate: RateLimit, address: Option<IpAddr>) -> Self {
        Self {
            rate,
            address,
            usage: None,
        }
    }

    /// # Errors
    /// The client has not so many units left.
    pub(super) fn spend(&mut self, caller: &Caller, units: u32) -> Result<(), ApiError> {
        let Some(units) = NonZeroU32::new(units) else {
            return Ok(());
        };
        match self.rate.spend(caller, self.address, units) {
            Ok(usage) => {
                self.usage = usage;
                Ok(())
            }
            Err(over) => {
                self.usage = Some(over.usage());
                Err(over.into())
            }
        }
    }

    /// Sets the headers that say what is left.
    pub(super) fn write(&self, headers: &mut HeaderMap) {
        if let Some(usage) = self.usage {
            usage.write(headers);
        }
    }
}
