//! Commands on orders and sagas from messages.

use contract::proto::{
    OrderCancelParam, OrderItem, OrderUpParam, ResolveSagaParam, SagaActionParam, ShippingAddress,
    ShowSagaParam, StartOrderSagaParam,
};
use domain::order::{CreateOrder, GivenLine, OrderLines, RequestCancellation};
use domain::value::{self, EntityId, Money, Reason, UserId};
use domain::{DomainError, Findings, ValidationError};
use event_sourcing::CommandId;
use sagas::Person;

use super::input::{from_double, new_id};
use crate::commands::{CancelOrder, DeliverOrder, PlaceOrder, ShipOrder};

/// What names the saga that a command begins; part of the stored streams' names.
const NEW_SAGA: &str = "saga";

pub(super) fn place_order(
    param: &StartOrderSagaParam,
    command_id: CommandId,
) -> Result<PlaceOrder, DomainError> {
    let mut findings = Findings::default();
    let id = findings.keep(new_id("orderId", &param.order_id, command_id));
    let user_id = findings.keep(UserId::parse("userId", &param.customer_id));
    let items = param.items.iter().enumerate();
    let lines = items.map(|(index, item)| line(&format!("items[{index}]"), item));
    let lines = findings.keep(lines.collect::<Result<Vec<_>, _>>());
    let lines = lines.and_then(|lines| {
        let parsed = OrderLines::parse("items", &lines);
        findings.keep_all(parsed)
    });
    let address = param.shipping_address.as_ref().map(address);
    let address = findings.keep_all(address.transpose());
    let total = param.total_amount_decimal.as_deref();
    let total = findings.keep(amount("totalAmount", total, param.total_amount));
    let (Some(id), Some(user_id), Some(lines), Some(shipping_address), Some(expected_total)) =
        (id, user_id, lines, address, total)
    else {
        return Err(findings.into());
    };
    Ok(PlaceOrder(CreateOrder {
        id,
        saga_id: EntityId::from(command_id.derive(NEW_SAGA)),
        user_id,
        lines,
        shipping_address,
        expected_total,
    }))
}

fn address(given: &ShippingAddress) -> Result<value::ShippingAddress, Findings> {
    let (street, city) = (&given.street, &given.city);
    value::ShippingAddress::parse("shippingAddress", street, city, &given.postal_code)
}

fn line<'a>(place: &str, item: &'a OrderItem) -> Result<GivenLine<'a>, ValidationError> {
    let field = |part: &str| format!("{place}.{part}");
    let unit_price = item.unit_price_decimal.as_deref();
    let subtotal = item.subtotal_decimal.as_deref();
    Ok(GivenLine {
        product_id: &item.product_id,
        quantity: item.quantity.into(),
        unit_price: amount(&field("unitPrice"), unit_price, item.unit_price)?,
        subtotal: amount(&field("subtotal"), subtotal, item.subtotal)?,
    })
}

/// An amount that a client expects; 0 in the old field means that it does not say.
fn amount(field: &str, decimal: Option<&str>, old: f64) -> Result<Option<Money>, ValidationError> {
    if let Some(text) = decimal {
        return Money::parse(field, text).map(Some);
    }
    if old == 0.0 {
        return Ok(None);
    }
    Money::parse(field, &from_double(field, old)?).map(Some)
}

pub(super) fn cancel_order(
    param: &OrderCancelParam,
    requested_by: Option<UserId>,
    command_id: CommandId,
) -> Result<CancelOrder, DomainError> {
    let mut findings = Findings::default();
    let order_id = findings.keep(EntityId::parse("orderId", &param.id));
    let reason = param.reason.as_deref();
    let reason = reason.map(|text| Reason::parse("reason", text));
    let reason = findings.keep(reason.transpose());
    let (Some(order_id), Some(reason)) = (order_id, reason) else {
        return Err(findings.into());
    };
    Ok(cancellation(order_id, reason, requested_by, command_id))
}

/// The cancellation of an order, with an id for the saga that may have to begin.
pub(super) fn cancellation(
    order_id: EntityId,
    reason: Option<Reason>,
    requested_by: Option<UserId>,
    command_id: CommandId,
) -> CancelOrder {
    CancelOrder(RequestCancellation {
        order_id,
        reason,
        requested_by,
        cancel_saga_id: EntityId::from(command_id.derive(NEW_SAGA)),
    })
}

pub(super) fn ship_order(param: &OrderUpParam, _: CommandId) -> Result<ShipOrder, DomainError> {
    Ok(ShipOrder(EntityId::parse("id", &param.id)?))
}

pub(super) fn deliver_order(
    param: &OrderUpParam,
    _: CommandId,
) -> Result<DeliverOrder, DomainError> {
    Ok(DeliverOrder(EntityId::parse("id", &param.id)?))
}

/// Which saga to show.
pub(super) enum ShownBy {
    Saga(EntityId),
    /// The latest one of an order.
    Order(EntityId),
}

/// Which saga to show, and behind which of its versions.
pub(super) fn show(param: &ShowSagaParam) -> Result<(ShownBy, u64), DomainError> {
    let mut findings = Findings::default();
    let shown_by = match (param.saga_id.as_str(), param.order_id.as_str()) {
        (saga_id, "") => EntityId::parse("sagaId", saga_id).map(ShownBy::Saga),
        ("", order_id) => EntityId::parse("orderId", order_id).map(ShownBy::Order),
        _ => Err(ValidationError {
            field: "sagaId".to_owned(),
            message: "sagaId and orderId exclude each other, got both".to_owned(),
        }),
    };
    let shown_by = findings.keep(shown_by);
    let after = u64::try_from(param.after_version).map_err(|_| ValidationError {
        field: "afterVersion".to_owned(),
        message: format!(
            "afterVersion must be 0 or more, got {}",
            param.after_version
        ),
    });
    let (Some(shown_by), Some(after)) = (shown_by, findings.keep(after)) else {
        return Err(findings.into());
    };
    Ok((shown_by, after))
}

/// A saga's id, and who does something to it and why.
pub(super) fn action(param: &SagaActionParam) -> Result<(EntityId, Person), DomainError> {
    let mut findings = Findings::default();
    let saga_id = findings.keep(EntityId::parse("sagaId", &param.saga_id));
    let by = acting(&mut findings, &param.who, &param.reason);
    let (Some(saga_id), Some((who, why))) = (saga_id, by) else {
        return Err(findings.into());
    };
    let person = Person {
        who: who.as_str().to_owned(),
        why: why.as_str().to_owned(),
    };
    Ok((saga_id, person))
}

/// Who does something that only operators do, and why; both are required.
pub(super) fn acting(findings: &mut Findings, who: &str, reason: &str) -> Option<(UserId, Reason)> {
    let who = findings.keep(UserId::parse("who", who));
    let reason = findings.keep(Reason::parse("reason", reason).and_then(given));
    who.zip(reason)
}

fn given(reason: Reason) -> Result<Reason, ValidationError> {
    if reason.as_str().trim().is_empty() {
        let message = "reason must have 1 to 1000 characters, got 0".to_owned();
        let field = "reason".to_owned();
        return Err(ValidationError { field, message });
    }
    Ok(reason)
}

/// The part of a resolution that every act has.
pub(super) fn as_action(param: &ResolveSagaParam) -> SagaActionParam {
    SagaActionParam {
        saga_id: param.saga_id.clone(),
        who: param.who.clone(),
        reason: param.reason.clone(),
    }
}
