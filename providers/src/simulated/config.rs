//! The behaviour of a simulated provider.

use std::str::FromStr;
use std::time::Duration;

use domain::value::Money;

use crate::url::{Accepts, ProviderUrl};

const MAX_LATENCY_MS: u64 = 600_000;

/// A probability, from 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rate(f64);

impl Rate {
    pub const ALWAYS: Self = Self(1.0);
    pub const NEVER: Self = Self(0.0);

    /// A probability; `None` outside 0 to 1.
    #[must_use]
    pub fn new(share: f64) -> Option<Self> {
        (0.0..=1.0).contains(&share).then_some(Self(share))
    }

    #[must_use]
    pub const fn share(self) -> f64 {
        self.0
    }
}

impl FromStr for Rate {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        text.parse().ok().and_then(Self::new).ok_or(())
    }
}

/// The behaviour of a simulated provider.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SimulationConfig {
    /// Actions above this are declined: an amount of money, or the number of pieces of a shipment.
    pub decline_over: Option<Money>,
    /// The share of actions that are declined.
    pub fail_rate: Rate,
    /// The share of calls that take effect and never answer. A repeated call answers.
    pub timeout_rate: Rate,
    /// The share of calls that fail transiently, without an effect.
    pub unavailable_rate: Rate,
    /// The share of actions that arrive a second time.
    pub duplicate_rate: Rate,
    /// The delay of every call.
    pub latency: Duration,
}

impl SimulationConfig {
    /// Reads the parameters of a `simulated://` URL.
    pub(crate) fn read(mut url: ProviderUrl) -> Result<Self, Accepts> {
        let config = Self {
            decline_over: amount(&mut url)?,
            fail_rate: rate(&mut url, "fail_rate")?,
            timeout_rate: rate(&mut url, "timeout_rate")?,
            unavailable_rate: rate(&mut url, "unavailable_rate")?,
            duplicate_rate: rate(&mut url, "duplicate_rate")?,
            latency: latency(&mut url)?,
        };
        url.nowhere()?;
        url.finish()?;
        Ok(config)
    }
}

fn rate(url: &mut ProviderUrl, name: &'static str) -> Result<Rate, Accepts> {
    let rate = url.value(name, "a number from 0 to 1", |_: &Rate| true)?;
    Ok(rate.unwrap_or_default())
}

fn amount(url: &mut ProviderUrl) -> Result<Option<Money>, Accepts> {
    const NAME: &str = "decline_over";
    let Some(text) = url.text(NAME)? else {
        return Ok(None);
    };
    let amount = Money::parse(NAME, &text).ok();
    amount
        .filter(|amount| amount.cents() >= 0)
        .map(Some)
        .ok_or_else(|| format!("{NAME} as an amount such as 100 or 99.50"))
}

fn latency(url: &mut ProviderUrl) -> Result<Duration, Accepts> {
    let fits = |ms: &u64| *ms <= MAX_LATENCY_MS;
    let ms = url.value("latency_ms", "0 to 600000 milliseconds", fits)?;
    Ok(Duration::from_millis(ms.unwrap_or_default()))
}
