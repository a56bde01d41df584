//! Stripe payments with a fake of Stripe.

use std::sync::Arc;

use event_sourcing::Clock;
use providers::payments::PaymentsConfig;
use providers::payments::stripe::StripeSettings;
use providers::{Payments, ProviderSettings, Providers, Secret};

use crate::fake_stripe::SECRET_KEY;
use crate::support::{Home, clock};

pub const WEBHOOK_SECRET: &str = "whsec_testtesttesttest";
/// Immediate retries; concurrent calls must end before they are used up.
pub const TRIES: usize = 1_000;
pub const GOOD_CARD: &str = "pm_card_visa";

/// Providers with payments at `url`, as a new process on `home`.
pub async fn providers(home: &Home, url: &str, card: &str) -> Providers {
    providers_with(home, url, card, clock()).await
}

pub async fn providers_with(
    home: &Home,
    url: &str,
    card: &str,
    clock: Arc<dyn Clock>,
) -> Providers {
    let settings = settings(url, SECRET_KEY, card);
    Providers::from_settings(&settings, &home.database().await, &clock).expect("providers")
}

pub fn settings(url: &str, secret_key: &str, card: &str) -> ProviderSettings {
    ProviderSettings {
        payments: PaymentsConfig::Stripe(StripeSettings {
            base: url.to_owned(),
            secret_key: Secret::parse(secret_key).expect("a key"),
            webhook_secret: Secret::parse(WEBHOOK_SECRET),
            currency: "usd".to_owned(),
            payment_method: card.to_owned(),
        }),
        ..ProviderSettings::default()
    }
}

pub async fn payments(home: &Home, url: &str, card: &str) -> Arc<Payments> {
    providers(home, url, card).await.payments
}
