//! How an order begins.

use event_sourcing::Version;

use super::event::{OrderCreated, OrderEvent, OrderItem};
use super::lines::OrderLines;
use super::state::Order;
use crate::error::{Conflict, DomainError, Entity, Priced};
use crate::product::ProductValues;
use crate::value::{EntityId, Money, Price, ShippingAddress, UserId};
use crate::{Findings, ValidationError};

/// Orders something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateOrder {
    /// Its id, never used before.
    pub id: EntityId,
    /// The saga that fulfils it.
    pub saga_id: EntityId,
    /// Whose it is.
    pub user_id: UserId,
    /// What is wanted.
    pub lines: OrderLines,
    /// Where it goes.
    pub shipping_address: Option<ShippingAddress>,
    /// What the client thinks that all of it costs, if it says so.
    pub expected_total: Option<Money>,
}

impl Order {
    /// Decides on [`CreateOrder`]. `product` gives what is sold under an id, if anything; the caller puts the streams
    /// that it read this from into the commit. Whether there is enough of it is the saga's first step to find out.
    ///
    /// # Errors
    /// `IdTaken`, `Validation` if a product does not exist, or `Amount` if something costs more or less than the
    /// client thinks.
    pub fn create<'a>(
        &self,
        command: &CreateOrder,
        product: impl Fn(&EntityId) -> Option<&'a ProductValues>,
    ) -> Result<Vec<OrderEvent>, DomainError> {
        if self.version() != Version::NONE {
            return Err(DomainError::Conflict(Conflict::IdTaken {
                entity: Entity::Order,
                id: command.id.clone(),
            }));
        }
        let items = items(&command.lines, product)?;
        expected_lines(&command.lines, &items)?;
        let total = items
            .iter()
            .fold(Money::default(), |total, item| total.plus(item.subtotal()));
        expected(Priced::Total, command.expected_total, total)?;
        Ok(vec![OrderEvent::Created(OrderCreated {
            order_id: command.id.clone(),
            saga_id: command.saga_id.clone(),
            user_id: command.user_id.clone(),
            items,
            total,
            shipping_address: command.shipping_address.clone(),
        })])
    }
}

fn items<'a>(
    lines: &OrderLines,
    product: impl Fn(&EntityId) -> Option<&'a ProductValues>,
) -> Result<Vec<OrderItem>, Findings> {
    let mut findings = Findings::default();
    let mut items = Vec::new();
    for line in lines.iter() {
        let found = product(&line.product_id).ok_or_else(|| ValidationError {
            field: line.field.clone(),
            message: format!(
                "{} must be an existing product, got {:?}",
                line.field,
                line.product_id.as_str()
            ),
        });
        if let Some(product) = findings.keep(found) {
            items.push(OrderItem {
                product_id: line.product_id.clone(),
                product_name: product.name.clone(),
                quantity: line.quantity,
                price: product.price,
            });
        }
    }
    findings.none(items)
}

fn expected_lines(lines: &OrderLines, items: &[OrderItem]) -> Result<(), Conflict> {
    let price = |id: &EntityId| {
        items
            .iter()
            .find(|item| item.product_id == *id)
            .map(|item| item.price)
    };
    for line in lines.expectations() {
        let Some(price) = price(&line.product_id) else {
            continue;
        };
        let (id, quantity) = (&line.product_id, line.quantity);
        expected(
            Priced::Unit(id.clone()),
            line.unit_price,
            Price::money(price),
        )?;
        expected(
            Priced::Subtotal(id.clone()),
            line.subtotal,
            price.times(quantity),
        )?;
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
