//! The calls of the sagas, carried out by the providers.

use std::sync::Arc;

use async_trait::async_trait;
use domain::fulfilment::{
    CancelOrderSaga, FulfilmentCall, Goods, Obtained, OrderSaga, UndoCall, UndoneDeal,
};
use domain::value::{EntityId, Reference, ShippingAddress, TrackingNumber};
use providers::{Address, Arrangement, Charge, Parcel, Payment, Payments, Shipment, Shipping};
use sagas::{Effects, Failure, Key, Standing, Undone};

/// Pays and ships through the providers.
#[derive(Clone, Debug)]
pub struct ProviderEffects {
    /// Who takes the money.
    pub payments: Arc<dyn Payments>,
    /// Who brings the goods.
    pub shipping: Arc<dyn Shipping>,
}

#[async_trait]
impl Effects<OrderSaga> for ProviderEffects {
    async fn act(&self, key: &Key, call: &FulfilmentCall) -> Result<Obtained, Failure> {
        key.validate()?;
        match Asked::of(call) {
            Asked::Pay(charge) => paid(&self.payments.charge(key, &charge).await?),
            Asked::Ship(shipment) => arranged(&self.shipping.arrange(key, &shipment).await?),
        }
    }

    async fn look_up(
        &self,
        key: &Key,
        call: &FulfilmentCall,
    ) -> Result<Standing<Obtained>, Failure> {
        key.validate()?;
        match call {
            FulfilmentCall::Pay { .. } => {
                let seen = self.payments.look_up(key).await?;
                seen.try_map(|payment| paid(&payment))
            }
            FulfilmentCall::Ship { .. } => {
                let seen = self.shipping.look_up(key).await?;
                seen.try_map(|arrangement| arranged(&arrangement))
            }
        }
    }

    async fn undo(&self, key: &Key, call: &FulfilmentCall) -> Result<Undone, Failure> {
        key.validate()?;
        match Asked::of(call) {
            Asked::Pay(charge) => self.payments.undo(key, &charge).await,
            Asked::Ship(shipment) => self.shipping.undo(key, &shipment).await,
        }
    }
}

/// To undo twice is a success at every provider, so that there is nothing to look up, and nothing undoes it.
#[async_trait]
impl Effects<CancelOrderSaga> for ProviderEffects {
    async fn act(&self, _key: &Key, call: &UndoCall) -> Result<UndoneDeal, Failure> {
        let undone = match call {
            UndoCall::CancelShipping { key: None, .. }
            | UndoCall::RefundPayment { key: None, .. } => Undone::NOTHING,
            UndoCall::CancelShipping {
                order_id,
                goods,
                address,
                key: Some(key),
            } => {
                let key = Key::try_new(key.as_str())?;
                let shipment = shipment(order_id, goods, address.as_ref());
                self.shipping.undo(&key, &shipment).await?
            }
            UndoCall::RefundPayment {
                order_id,
                user_id,
                amount,
                key: Some(key),
            } => {
                let charge = Charge {
                    order_id: order_id.clone(),
                    user_id: user_id.clone(),
                    amount: *amount,
                };
                let key = Key::try_new(key.as_str())?;
                self.payments.undo(&key, &charge).await?
            }
        };
        let reference = undone.reference.as_deref();
        Ok(UndoneDeal {
            happened: undone.happened,
            reference: reference.and_then(|text| Reference::parse("reference", text).ok()),
        })
    }

    async fn look_up(&self, _key: &Key, _call: &UndoCall) -> Result<Standing<UndoneDeal>, Failure> {
        Ok(Standing::Absent)
    }

    async fn undo(&self, _key: &Key, _call: &UndoCall) -> Result<Undone, Failure> {
        Ok(Undone::NOTHING)
    }
}

/// A call in the words of the ports.
enum Asked {
    Pay(Charge),
    Ship(Shipment),
}

impl Asked {
    fn of(call: &FulfilmentCall) -> Self {
        match call {
            FulfilmentCall::Pay {
                order_id,
                user_id,
                amount,
            } => Self::Pay(Charge {
                order_id: order_id.clone(),
                user_id: user_id.clone(),
                amount: *amount,
            }),
            FulfilmentCall::Ship {
                order_id,
                goods,
                address,
                ..
            } => Self::Ship(shipment(order_id, goods, address.as_ref())),
        }
    }
}

fn shipment(order_id: &EntityId, goods: &[Goods], address: Option<&ShippingAddress>) -> Shipment {
    let items = goods.iter().map(|goods| Parcel {
        product_id: goods.product_id.clone(),
        quantity: goods.quantity,
    });
    Shipment {
        order_id: order_id.clone(),
        address: address.map(|address| Address {
            street: address.street().to_owned(),
            city: address.city().to_owned(),
            postal_code: address.postal_code().to_owned(),
        }),
        items: items.collect(),
    }
}

/// A name that no event could hold leaves it open what happened: a person must look at it.
fn paid(payment: &Payment) -> Result<Obtained, Failure> {
    let parsed = Reference::parse("payment id", &payment.payment_id);
    parsed
        .map(Obtained::Payment)
        .map_err(|error| Failure::unknown(error.message))
}

/// As with payments.
fn arranged(arrangement: &Arrangement) -> Result<Obtained, Failure> {
    let parsed = TrackingNumber::parse("tracking number", &arrangement.tracking_number);
    parsed
        .map(Obtained::Shipment)
        .map_err(|error| Failure::unknown(error.message))
}
