//! Converts messages into order commands.

use authentication::Scope;
use contract::proto::{
    OrderCancelParam, OrderItem, OrderUpParam, ShippingAddress, StartOrderSagaParam,
};
use domain::order::{CancelOrder, DeliverOrder, GivenLine, OrderLines, PlaceOrder, ShipOrder};
use domain::value::{self, EntityId, Money, Reason, UserId};
use domain::{DomainError, ValidationError, ValidationErrors};
use event_sourcing::CommandId;

use super::super::input::{from_double, new_id};

/// The name from which saga ids are derived. It determines stored stream names, so it must not change.
const NEW_SAGA: &str = "saga";

pub(in crate::grpc) fn place(
    param: &StartOrderSagaParam,
    command_id: CommandId,
) -> Result<PlaceOrder, DomainError> {
    let mut findings = ValidationErrors::default();
    let id = findings.check(new_id("orderId", &param.order_id, command_id));
    let user_id = findings.check(UserId::parse("userId", &param.customer_id));
    let mut lines = Vec::new();
    for (index, item) in param.items.iter().enumerate() {
        lines.push(line(&format!("items[{index}]"), item, &mut findings));
    }
    let lines = findings.keep_all(OrderLines::parse("items", &lines));
    let address = param.shipping_address.as_ref().map(address);
    let address = findings.keep_all(address.transpose());
    let total = param.total_amount_decimal.as_deref();
    let total = findings.check(amount("totalAmount", total, param.total_amount));
    let (Some(id), Some(user_id), Some(lines), Some(shipping_address), Some(expected_total)) =
        (id, user_id, lines, address, total)
    else {
        return Err(findings.into());
    };
    let placed = findings.none(PlaceOrder {
        id,
        saga_id: EntityId::from(command_id.derive(NEW_SAGA)),
        user_id,
        lines,
        shipping_address,
        expected_total,
    });
    Ok(placed?)
}

fn address(given: &ShippingAddress) -> Result<value::ShippingAddress, ValidationErrors> {
    let (street, city) = (&given.street, &given.city);
    value::ShippingAddress::parse("shippingAddress", street, city, &given.postal_code)
}

fn line<'a>(place: &str, item: &'a OrderItem, findings: &mut ValidationErrors) -> GivenLine<'a> {
    let field = |part: &str| format!("{place}.{part}");
    let unit_price = item.unit_price_decimal.as_deref();
    let subtotal = item.subtotal_decimal.as_deref();
    let unit_price = amount(&field("unitPrice"), unit_price, item.unit_price);
    let subtotal = amount(&field("subtotal"), subtotal, item.subtotal);
    GivenLine {
        product_id: &item.product_id,
        quantity: item.quantity.into(),
        unit_price: findings.check(unit_price).flatten(),
        subtotal: findings.check(subtotal).flatten(),
    }
}

/// The amount that the client expects; 0 in the old field means unset.
fn amount(field: &str, decimal: Option<&str>, old: f64) -> Result<Option<Money>, ValidationError> {
    if let Some(text) = decimal {
        return Money::parse(field, text).map(Some);
    }
    if old == 0.0 {
        return Ok(None);
    }
    Money::parse(field, &from_double(field, old)?).map(Some)
}

pub(super) fn cancel(
    param: &OrderCancelParam,
    requested_by: Option<UserId>,
    scope: Scope<'_>,
    command_id: CommandId,
) -> Result<CancelOrder, DomainError> {
    let mut findings = ValidationErrors::default();
    let order_id = findings.check(EntityId::parse("orderId", &param.id));
    let reason = param.reason.as_deref();
    let reason = reason.map(|text| Reason::parse("reason", text));
    let reason = findings.check(reason.transpose());
    let owner = match scope {
        Scope::All => None,
        Scope::Own(subject) => Some(UserId::parse("userId", subject)),
    };
    let owner = findings.check(owner.transpose());
    let (Some(order_id), Some(reason), Some(owner)) = (order_id, reason, owner) else {
        return Err(findings.into());
    };
    Ok(CancelOrder {
        owner,
        ..cancellation(order_id, reason, requested_by, command_id)
    })
}

/// The cancellation of an order, with the id of the saga that starts if the order is already confirmed.
pub(in crate::grpc) fn cancellation(
    order_id: EntityId,
    reason: Option<Reason>,
    requested_by: Option<UserId>,
    command_id: CommandId,
) -> CancelOrder {
    CancelOrder {
        order_id,
        reason,
        requested_by,
        owner: None,
        cancel_saga_id: EntityId::from(command_id.derive(NEW_SAGA)),
    }
}

pub(super) fn ship(param: &OrderUpParam, _: CommandId) -> Result<ShipOrder, DomainError> {
    let id = EntityId::parse("id", &param.id)?;
    Ok(ShipOrder { id })
}

pub(super) fn deliver(param: &OrderUpParam, _: CommandId) -> Result<DeliverOrder, DomainError> {
    let id = EntityId::parse("id", &param.id)?;
    Ok(DeliverOrder { id })
}
