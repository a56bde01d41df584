//! The `Retry-After` of a provider is returned by every call.

use std::sync::Arc;
use std::time::Duration;

use platform::config::Engine;
use providers::shipping::{HttpShippingSettings, ShippingConfig};
use providers::{Payments, ProviderSettings, Providers, Secret, Shipping};
use sagas::CallError;

use crate::fake_carrier::{FakeCarrier, Fault as CarrierFault, TOKEN};
use crate::fake_stripe::{FakeStripe, Fault, On, SECRET_KEY};
use crate::stripe::stage;
use crate::support::{Home, charge, clock, key, shipment};

struct WaitCase {
    stripe: FakeStripe,
    carrier: FakeCarrier,
    payments: Arc<Payments>,
    shipping: Arc<Shipping>,
}

impl WaitCase {
    async fn new(home: &Home) -> Self {
        let (stripe, carrier) = (FakeStripe::start().await, FakeCarrier::start().await);
        let settings = ProviderSettings {
            shipping: ShippingConfig::Http(HttpShippingSettings {
                base: carrier.url.clone(),
                token: Secret::parse(TOKEN),
                ca_file: None,
            }),
            ..stage::settings(&stripe.url, SECRET_KEY, stage::GOOD_CARD)
        };
        let providers = Providers::from_settings(&settings, &home.database().await, &clock());
        let providers = providers.expect("providers");
        Self {
            stripe,
            carrier,
            payments: providers.payments,
            shipping: providers.shipping,
        }
    }
}

#[track_caller]
fn assert_waits<T>(answer: Result<T, CallError>, seconds: u64) {
    let failure = answer.err().expect("it fails");
    let wait = Some(Duration::from_secs(seconds));
    assert_eq!(failure.retry_after(), wait, "{failure:?}");
}

#[tokio::test]
async fn the_retry_after_of_stripe_is_returned() {
    let home = Home::new(Engine::Sqlite).await;
    let stage = WaitCase::new(&home).await;
    let (key, charge) = (key("saga-1/process_payment/0"), charge("o-1", 1_234));
    stage.stripe.fault(On::Confirm, Fault::Limit);
    let paid = stage.payments.act(&key, &charge).await;
    assert!(matches!(paid, Err(CallError::Transient { .. })), "{paid:?}");
    assert_waits(paid, 7);
    stage.stripe.fault(On::Look, Fault::Limit);
    assert_waits(stage.payments.look_up(&key).await, 7);
    stage.stripe.fault(On::Cancel, Fault::Limit);
    assert_waits(stage.payments.undo(&key, &charge).await, 7);
}

#[tokio::test]
async fn the_retry_after_of_the_carrier_is_returned() {
    let home = Home::new(Engine::Sqlite).await;
    let stage = WaitCase::new(&home).await;
    let (key, shipment) = (key("saga-1/arrange_shipping/0"), shipment("o-1", 3));
    let turn_away = || stage.carrier.fault(CarrierFault::Status(429));
    turn_away();
    assert_waits(stage.shipping.act(&key, &shipment).await, 3);
    turn_away();
    assert_waits(stage.shipping.look_up(&key).await, 3);
    turn_away();
    assert_waits(stage.shipping.undo(&key, &shipment).await, 3);
}
