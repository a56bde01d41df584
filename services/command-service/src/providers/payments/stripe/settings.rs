//! What `PAYMENTS_URL` and the secrets beside it say.

use crate::providers::Secret;

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
