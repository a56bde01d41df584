//! Placing an order, in the commit in which its saga starts.

use std::collections::HashMap;
use std::sync::Arc;

use event_sourcing::execute::{Command, Lane, States};
use event_sourcing::quoted;
use sagas::SagaState;

use super::event::{OrderCreated, OrderEvent, OrderItem};
use super::lines::OrderLines;
use super::state::Order;
use crate::ValidationErrors;
use crate::command::{Decided, Deciding, reply};
use crate::error::{Conflict, DomainError, Entity, Priced};
use crate::fulfilment::{Fulfilment, OrderSaga};
use crate::product::{Product, ProductValues};
use crate::value::{EntityId, Money, ShippingAddress, UserId, invalid};

/// Places an order at the current prices, and starts the saga that fulfils it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceOrder {
    /// Its id, never used before.
    pub id: EntityId,
    /// The saga that fulfils it.
    pub saga_id: EntityId,
    pub user_id: UserId,
    pub lines: OrderLines,
    pub shipping_address: Option<ShippingAddress>,
    /// The total that the client expects.
    pub expected_total: Option<Money>,
}

impl Command for PlaceOrder {
    const NAME: &'static str = "place_order";
    type Rejection = DomainError;
    type Reply = Arc<Order>;

    fn streams(&self) -> Vec<Lane> {
        let products = self.lines.iter();
        let products = products.map(|line| Lane::read::<Product>(line.product_id.as_str()));
        let own = [
            Lane::create::<Order>(self.id.as_str()),
            Lane::create::<SagaState<OrderSaga>>(self.saga_id.as_str()),
        ];
        products.chain(own).collect()
    }

    fn decide(&self, work: &mut Deciding<'_>) -> Decided {
        let order = work.state::<Order>(self.id.as_str())?;
        let mut products = HashMap::new();
        for line in self.lines.iter() {
            let product = work.state::<Product>(line.product_id.as_str())?;
            products.insert(&line.product_id, product);
        }
        let created = order.create(self, |id| products.get(id)?.lifecycle().active())?;
        let (data, origin) = (Fulfilment::of(&created), work.metadata().clone());
        let (id, saga_id) = (self.id.as_str(), self.saga_id.as_str());
        let started = sagas::started::<OrderSaga>(saga_id, id, data, origin);
        work.append::<Order>(id, &[OrderEvent::Created(created)])?;
        work.append::<SagaState<OrderSaga>>(saga_id, &[started])
    }

    fn reply(&self, states: &States) -> Option<Arc<Order>> {
        reply(states, &self.id)
    }
}

impl Order {
    /// Decides on [`PlaceOrder`]. `product` returns an existing product. Stock is checked later, by the saga's first step.
    ///
    /// # Errors
    /// `AlreadyExists`, `Validation` if a product does not exist, or `Amount` if a price differs from the client's
    /// expectation.
    pub fn create<'a>(
        &self,
        command: &PlaceOrder,
        product: impl Fn(&EntityId) -> Option<&'a ProductValues>,
    ) -> Result<OrderCreated, DomainError> {
        DomainError::require_new(self.version(), Entity::Order, &command.id)?;
        let items = items(&command.lines, product)?;
        expected_lines(&command.lines, &items)?;
        let total = items
            .iter()
            .fold(Money::default(), |total, item| total.plus(item.subtotal()));
        expected(Priced::Total, command.expected_total, total)?;
        Ok(OrderCreated {
            order_id: command.id.clone(),
            saga_id: command.saga_id.clone(),
            user_id: command.user_id.clone(),
            items,
            total,
            shipping_address: command.shipping_address.clone(),
        })
    }
}

fn items<'a>(
    lines: &OrderLines,
    product: impl Fn(&EntityId) -> Option<&'a ProductValues>,
) -> Result<Vec<OrderItem>, ValidationErrors> {
    let mut errors = ValidationErrors::default();
    let mut items = Vec::new();
    for line in lines.iter() {
        let found = product(&line.product_id).ok_or_else(|| {
            let given = quoted(line.product_id.as_str());
            invalid(&line.field, &format!("be an existing product, got {given}"))
        });
        if let Some(product) = errors.check(found) {
            items.push(OrderItem {
                product_id: line.product_id.clone(),
                product_name: product.name.clone(),
                quantity: line.quantity,
                price: product.price,
            });
        }
    }
    errors.none(items)
}

fn expected_lines(lines: &OrderLines, items: &[OrderItem]) -> Result<(), Conflict> {
    for line in lines.expectations() {
        let id = &line.product_id;
        let Some(item) = items.iter().find(|item| item.product_id == *id) else {
            continue;
        };
        let (unit_price, subtotal) = (item.price.money(), item.price.times(line.quantity));
        expected(Priced::Unit(id.clone()), line.unit_price, unit_price)?;
        expected(Priced::Subtotal(id.clone()), line.subtotal, subtotal)?;
    }
    Ok(())
}

fn expected(of: Priced, expected: Option<Money>, actual: Money) -> Result<(), Conflict> {
    match expected {
        Some(expected) if expected != actual => Err(Conflict::Amount {
            of,
            expected,
            actual,
        }),
        Some(_) | None => Ok(()),
    }
}
