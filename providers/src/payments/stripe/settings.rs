//! The settings of Stripe: `PAYMENTS_URL` and its secrets.

use crate::Secret;

/// A Stripe account.
#[derive(Clone, Debug)]
pub struct StripeSettings {
    /// The URL that `/v1/…` is added to.
    pub base: String,
    /// The account's secret key.
    pub secret_key: Secret,
    /// The secret of the webhook's signatures; without it there is no webhook.
    pub webhook_secret: Option<Secret>,
    /// The currency that all amounts are in.
    pub currency: String,
    /// The payment method of all intents.
    pub payment_method: String,
}

/// Whether a text has the form of a Stripe id.
pub(in crate::payments) fn is_id(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (1..=255).contains(&text.len()) && text.bytes().all(allowed)
}
