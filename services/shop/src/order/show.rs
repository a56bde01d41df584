//! `shop order show`.

use clap::ArgMatches;

use super::model::{Address, Order, Saga, amount, read};
use super::{OrderError, id};
use crate::api::Client;
use crate::terminal::{Output, fields, line, table};

pub async fn run(client: &mut Client, arguments: &ArgMatches) -> Result<(), OrderError> {
    let order = read(client, &id(arguments)).await?;
    Output::of(arguments).write(&order, |order| {
        let id = line(&order.id);
        format!("{}\nIts saga's timeline: shop saga show {id}", text(order))
    });
    Ok(())
}

/// An order as text.
pub(super) fn text(order: &Order) -> String {
    let place = |address: &Address| {
        let Address {
            street,
            city,
            postal_code,
        } = address;
        format!("{street}, {postal_code} {city}")
    };
    let all = [
        ("Order", Some(order.id.clone())),
        ("User", Some(order.user_id.clone())),
        ("Status", Some(order.status.clone())),
        ("To", order.shipping_address.as_ref().map(place)),
        ("Tracking", order.tracking_number.clone()),
        ("Placed", Some(order.created_at.clone())),
        ("Changed", Some(order.updated_at.clone())),
        ("Saga", order.saga_state.as_ref().map(saga_text)),
    ];
    let all = all.into_iter();
    let known: Vec<_> = all
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
    let mut rows: Vec<_> = order
        .items
        .iter()
        .map(|item| {
            [
                item.quantity.to_string(),
                line(&item.product_name),
                amount(&item.price),
                amount(&item.subtotal),
            ]
        })
        .collect();
    let total = amount(&order.total_amount);
    rows.push([String::new(), "Total".to_owned(), String::new(), total]);
    let items = table(["", "PRODUCT", "PRICE", "SUBTOTAL"], &rows);
    format!("{}\n{items}\n", fields(&known))
}

fn saga_text(saga: &Saga) -> String {
    let at = saga.current_step.as_ref().map(|step| format!(" at {step}"));
    let why = saga.failure_reason.as_ref().map(|why| format!(": {why}"));
    let (at, why) = (at.unwrap_or_default(), why.unwrap_or_default());
    format!("{}, {}{at}{why}", saga.kind, saga.state)
}
