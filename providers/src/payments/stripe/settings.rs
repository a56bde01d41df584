//! What `PAYMENTS_URL` and the secrets beside it say.

use crate::Secret;

/// An account of Stripe's.
#[derive(Clone, Debug)]
pub struct StripeSettings {
    /// The URL that `/v1/…` is added to.
    pub base: String,
    /// The account's secret key.
    pub secret_key: Secret,
    /// What webhooks are signed with; without it there are none.
    pub webhook_secret: Option<Secret>,
    /// The currency that all amounts are in.
    pub currency: String,
    /// What intents are paid with.
    pub payment_method: String,
}

/// Whether a text has the form of an id of Stripe's.
pub(in crate::payments) fn is_id(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (1..=255).contains(&text.len()) && text.bytes().all(allowed)
}
