//! `PAYMENTS_URL`.

use platform::config::{ConfigError, Settings, names};

use super::stripe::{StripeSettings, is_id};
use crate::providers::Secret;
use crate::providers::simulated::Conduct;
use crate::providers::url::{Accepts, ProviderUrl};

const SCHEMES: &[&str] = &["simulated://", "stripe+https://HOST"];
/// Without TLS, which a test on the same machine may do.
const PLAIN: &str = "stripe+http://LOOPBACK";

/// Who takes the money.
#[derive(Clone, Debug)]
pub enum PaymentsChoice {
    /// Nobody.
    Simulated(Conduct),
    /// Stripe, or who speaks like it.
    Stripe(StripeSettings),
}

impl PaymentsChoice {
    /// Reads the URL, and for Stripe its keys.
    ///
    /// # Errors
    /// The URL is not served, or a key is missing.
    pub fn read(settings: &Settings) -> Result<Self, ConfigError> {
        let text = settings.get(&names::PAYMENTS_URL)?;
        let refuse = |accepts| settings.refuse(&names::PAYMENTS_URL.spec, accepts);
        let url = ProviderUrl::parse(&text, &[SCHEMES, &[PLAIN]].concat()).map_err(refuse)?;
        if url.scheme() == "simulated" {
            return Conduct::read(url).map(Self::Simulated).map_err(refuse);
        }
        let key = Secret::find(
            settings,
            &names::STRIPE_SECRET_KEY,
            &names::STRIPE_SECRET_KEY_FILE,
        )?;
        let webhook_secret = Secret::find(
            settings,
            &names::STRIPE_WEBHOOK_SECRET,
            &names::STRIPE_WEBHOOK_SECRET_FILE,
        )?;
        let secret_key = key.ok_or(ConfigError::Missing {
            name: names::STRIPE_SECRET_KEY.spec.name,
            accepts: "the secret key of the account that PAYMENTS_URL needs, here or in the file that \
                      STRIPE_SECRET_KEY_FILE names",
        })?;
        stripe(url, secret_key, webhook_secret)
            .map(Self::Stripe)
            .map_err(refuse)
    }
}

fn stripe(
    mut url: ProviderUrl,
    secret_key: Secret,
    webhook_secret: Option<Secret>,
) -> Result<StripeSettings, Accepts> {
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
    Ok(StripeSettings {
        base,
        secret_key,
        webhook_secret,
        currency: currency.unwrap_or_else(|| "usd".to_owned()),
        payment_method: payment_method.unwrap_or_else(|| "pm_card_visa".to_owned()),
    })
}

/// Amounts are whole cents, and Stripe takes them in the currency's smallest unit: it must be a hundredth.
fn has_cents(currency: &str) -> bool {
    const OTHERS: [&str; 21] = [
        "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd", "vuv",
        "xaf", "xof", "xpf", "bhd", "jod", "kwd", "omr", "tnd",
    ];
    currency.len() == 3
        && currency.bytes().all(|byte| byte.is_ascii_lowercase())
        && !OTHERS.contains(&currency)
}
