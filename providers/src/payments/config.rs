//! `PAYMENTS_URL`.

use platform::config::{Read, Reader, names};

use super::stripe::{StripeSettings, is_id};
use crate::Secret;
use crate::simulated::SimulationConfig;
use crate::url::{Accepts, ProviderUrl};

const SCHEMES: &[&str] = &["simulated://", "stripe+https://HOST"];
/// Without TLS, for tests on the same machine.
const PLAIN: &str = "stripe+http://LOOPBACK";

/// Which provider of payments is used.
#[derive(Clone, Debug)]
pub enum PaymentsConfig {
    Simulated(SimulationConfig),
    /// Stripe, or a compatible server.
    Stripe(StripeSettings),
}

impl PaymentsConfig {
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Simulated(_) => "simulated",
            Self::Stripe(_) => "stripe",
        }
    }

    /// Reads the URL, and for Stripe its keys.
    ///
    /// # Errors
    /// The URL is not supported, or a key is missing.
    pub fn read(reader: &mut Reader) -> Read<Self> {
        let setting = &names::PAYMENTS_URL;
        let text = reader.get(setting)?;
        let url = ProviderUrl::parse(&text, &[SCHEMES, &[PLAIN]].concat())
            .map_err(|accepts| reader.reject(&setting.spec, accepts))?;
        if url.scheme() == "simulated" {
            let config = SimulationConfig::read(url);
            return config
                .map(Self::Simulated)
                .map_err(|accepts| reader.reject(&setting.spec, accepts));
        }
        let secret_key = secret_key(reader);
        let webhook_secret = Secret::find(
            reader,
            &names::STRIPE_WEBHOOK_SECRET,
            &names::STRIPE_WEBHOOK_SECRET_FILE,
        );
        let account = account(url).map_err(|accepts| reader.reject(&setting.spec, accepts));
        let Account {
            base,
            currency,
            payment_method,
        } = account?;
        Ok(Self::Stripe(StripeSettings {
            base,
            secret_key: secret_key?,
            webhook_secret: webhook_secret?,
            currency,
            payment_method,
        }))
    }
}

fn secret_key(reader: &mut Reader) -> Read<Secret> {
    let key = Secret::find(
        reader,
        &names::STRIPE_SECRET_KEY,
        &names::STRIPE_SECRET_KEY_FILE,
    )?;
    key.ok_or_else(|| {
        reader.require(
            &names::STRIPE_SECRET_KEY.spec,
            "the secret key of the account that PAYMENTS_URL needs, here or in the file that \
             STRIPE_SECRET_KEY_FILE names",
        )
    })
}

/// The contents of the URL.
struct Account {
    base: String,
    currency: String,
    payment_method: String,
}

fn account(mut url: ProviderUrl) -> Result<Account, Accepts> {
    url.without_credentials("STRIPE_SECRET_KEY")?;
    let scheme = match url.scheme() {
        "stripe+https" => "https",
        _ if url.is_loopback() => "http",
        _ => {
            return Err(format!(
                "{}; {PLAIN} on this machine only",
                SCHEMES.join(" or ")
            ));
        }
    };
    if !matches!(url.path(), "" | "/") {
        return Err("stripe+https://HOST without a path".to_owned());
    }
    let base = format!("{scheme}://{}", url.authority()?);
    let currency = url.value(
        "currency",
        "three small letters, of a currency with cents, such as usd",
        |currency: &String| has_cents(currency),
    )?;
    let payment_method = url.value(
        "payment_method",
        "the id of a payment method, such as pm_card_visa",
        |id: &String| is_id(id),
    )?;
    url.finish()?;
    Ok(Account {
        base,
        currency: currency.unwrap_or_else(|| "usd".to_owned()),
        payment_method: payment_method.unwrap_or_else(|| "pm_card_visa".to_owned()),
    })
}

/// Amounts are whole cents, and Stripe counts in the currency's smallest unit, which must therefore be a hundredth.
fn has_cents(currency: &str) -> bool {
    const OTHERS: [&str; 21] = [
        "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd", "vuv",
        "xaf", "xof", "xpf", "bhd", "jod", "kwd", "omr", "tnd",
    ];
    currency.len() == 3
        && currency.bytes().all(|byte| byte.is_ascii_lowercase())
        && !OTHERS.contains(&currency)
}
