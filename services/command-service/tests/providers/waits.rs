//! A provider's wish to be left alone reaches the sagas, whatever it was asked.

use std::time::Duration;

use command_service::fulfilment::ProviderEffects;
use command_service::providers::shipping::{HttpShippingSettings, ShippingChoice};
use command_service::providers::{ProviderSettings, Providers, Secret};
use domain::fulfilment::{CancelOrderSaga, FulfilmentCall, Goods, OrderSaga, UndoCall};
use domain::value::{Money, Quantity, Reference, UserId};
use platform::config::Engine;
use sagas::{Effects, Failure, Key};

use crate::fake_carrier::{FakeCarrier, Fault as CarrierFault, TOKEN};
use crate::fake_stripe::{FakeStripe, Fault, On, SECRET_KEY};
use crate::stripe::stage;
use crate::support::{Home, clock, id};

struct Stage {
    stripe: FakeStripe,
    carrier: FakeCarrier,
    effects: ProviderEffects,
}

impl Stage {
    async fn new(home: &Home) -> Self {
        let (stripe, carrier) = (FakeStripe::start().await, FakeCarrier::start().await);
        let settings = ProviderSettings {
            shipping: ShippingChoice::Http(HttpShippingSettings {
                base: carrier.url.clone(),
                token: Secret::parse(TOKEN),
                ca_file: None,
            }),
            ..stage::settings(&stripe.url, SECRET_KEY, stage::GOOD_CARD)
        };
        let providers = Providers::from_settings(&settings, &home.database().await, &clock());
        let providers = providers.expect("providers");
        let effects = ProviderEffects {
            payments: providers.payments,
            shipping: providers.shipping,
        };
        Self {
            stripe,
            carrier,
            effects,
        }
    }

    fn sagas(&self) -> &dyn Effects<OrderSaga> {
        &self.effects
    }
}

fn user() -> UserId {
    UserId::parse("user", "anna@example.com").expect("a user")
}

fn pay() -> FulfilmentCall {
    FulfilmentCall::Pay {
        order_id: id("o-1"),
        user_id: user(),
        amount: Money::from_cents(1_234),
    }
}

fn ship() -> FulfilmentCall {
    FulfilmentCall::Ship {
        order_id: id("o-1"),
        user_id: user(),
        goods: vec![Goods {
            product_id: id("tea"),
            quantity: Quantity::parse("quantity", 3).expect("a quantity"),
        }],
        address: None,
    }
}

#[track_caller]
fn assert_waits<T>(answer: Result<T, Failure>, seconds: u64) {
    let failure = answer.err().expect("it fails");
    let wait = Some(Duration::from_secs(seconds));
    assert_eq!(failure.wait(), wait, "{failure:?}");
}

#[tokio::test]
async fn what_stripe_asks_for_reaches_the_saga() {
    let home = Home::new(Engine::Sqlite).await;
    let stage = Stage::new(&home).await;
    let (key, pay) = (Key::new("saga-1", "process_payment", 0), pay());
    stage.stripe.fault(On::Confirm, Fault::Limit);
    let paid = stage.sagas().act(&key, &pay).await;
    assert!(matches!(paid, Err(Failure::NotDone { .. })), "{paid:?}");
    assert_waits(paid, 7);
    stage.stripe.fault(On::Look, Fault::Limit);
    assert_waits(stage.sagas().look_up(&key, &pay).await, 7);
    stage.stripe.fault(On::Cancel, Fault::Limit);
    assert_waits(stage.sagas().undo(&key, &pay).await, 7);
}

#[tokio::test]
async fn what_the_carrier_asks_for_reaches_the_sagas() {
    let home = Home::new(Engine::Sqlite).await;
    let stage = Stage::new(&home).await;
    let (key, ship) = (Key::new("saga-1", "arrange_shipping", 0), ship());
    let turn_away = || stage.carrier.fault(CarrierFault::Status(429));
    turn_away();
    assert_waits(stage.sagas().act(&key, &ship).await, 3);
    turn_away();
    assert_waits(stage.sagas().look_up(&key, &ship).await, 3);
    turn_away();
    assert_waits(stage.sagas().undo(&key, &ship).await, 3);
    let cancel = UndoCall::CancelShipping {
        order_id: id("o-1"),
        goods: Vec::new(),
        address: None,
        key: Reference::parse("key", key.as_str()).ok(),
    };
    turn_away();
    let cancelled = Effects::<CancelOrderSaga>::act(&stage.effects, &key, &cancel).await;
    assert_waits(cancelled, 3);
}
