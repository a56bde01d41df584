//! The calls of the sagas, carried out by the providers.

use std::sync::Arc;

use async_trait::async_trait;
use domain::fulfilment::{
    CancelOrderSaga, FulfilmentCall, Goods, Obtained, OrderSaga, UndoCall, UndoneDeal,
};
use domain::value::{EntityId, Reference, ShippingAddress, TrackingNumber};
use sagas::{Effects, Failure, Key, Standing, Undone};

use providers::{
    self, Address, Arrangement, Charge, Parcel, Payment, Payments, Shipment, Shipping,
};

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
        let key = provider_key(key.as_str())?;
        match Asked::of(call) {
            Asked::Pay(charge) => {
                let made = self.payments.charge(&key, &charge).await;
                paid(&made.map_err(failure)?)
            }
            Asked::Ship(shipment) => {
                let made = self.shipping.arrange(&key, &shipment).await;
                arranged(&made.map_err(failure)?)
            }
        }
    }

    async fn look_up(
        &self,
        key: &Key,
        call: &FulfilmentCall,
    ) -> Result<Standing<Obtained>, Failure> {
        let key = provider_key(key.as_str())?;
        match call {
            FulfilmentCall::Pay { .. } => {
                let seen = self.payments.look_up(&key).await.map_err(failure)?;
                standing(seen, paid)
            }
            FulfilmentCall::Ship { .. } => {
                let seen = self.shipping.look_up(&key).await.map_err(failure)?;
                standing(seen, arranged)
            }
        }
    }

    async fn undo(&self, key: &Key, call: &FulfilmentCall) -> Result<Undone, Failure> {
        let key = provider_key(key.as_str())?;
        let undone = match Asked::of(call) {
            Asked::Pay(charge) => self.payments.undo(&key, &charge).await,
            Asked::Ship(shipment) => self.shipping.undo(&key, &shipment).await,
        };
        let providers::Undone {
            happened,
            reference,
        } = undone.map_err(failure)?;
        Ok(Undone {
            happened,
            reference,
            closed: true,
        })
    }
}

/// To undo twice is a success at every provider, so that there is nothing to look up, and nothing undoes it.
#[async_trait]
impl Effects<CancelOrderSaga> for ProviderEffects {
    async fn act(&self, _key: &Key, call: &UndoCall) -> Result<UndoneDeal, Failure> {
        let undone = match call {
            UndoCall::CancelShipping { key: None, .. }
            | UndoCall::RefundPayment { key: None, .. } => Ok(providers::Undone::NOTHING),
            UndoCall::CancelShipping {
                order_id,
                goods,
                address,
                key: Some(key),
            } => {
                let key = provider_key(key.as_str())?;
                let shipment = shipment(order_id, goods, address.as_ref());
                self.shipping.undo(&key, &shipment).await
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
                let key = provider_key(key.as_str())?;
                self.payments.undo(&key, &charge).await
            }
        };
        let undone = undone.map_err(failure)?;
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
        Ok(Undone {
            happened: false,
            reference: None,
            closed: true,
        })
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

fn provider_key(text: &str) -> Result<providers::Key, Failure> {
    providers::Key::try_new(text).map_err(|error| Failure::Refused(error.to_string()))
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

fn standing<T>(
    seen: providers::Standing<T>,
    obtained: impl FnOnce(&T) -> Result<Obtained, Failure>,
) -> Result<Standing<Obtained>, Failure> {
    Ok(match seen {
        providers::Standing::Done(made) => Standing::Done(obtained(&made)?),
        providers::Standing::Absent => Standing::Absent,
        providers::Standing::Pending => Standing::Pending,
        providers::Standing::Undone => Standing::Undone,
        providers::Standing::Refused { reason } => Standing::Refused(reason),
    })
}

fn failure(failure: providers::Failure) -> Failure {
    match failure {
        providers::Failure::Refused { reason } => Failure::Refused(reason),
        providers::Failure::Transient {
            reason,
            retry_after,
        } => Failure::not_done(reason).not_before(retry_after),
        providers::Failure::Unknown {
            reason,
            retry_after,
        } => Failure::unknown(reason).not_before(retry_after),
    }
}
