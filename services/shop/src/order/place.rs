//! `shop order place`.

use clap::ArgMatches;
use serde::Deserialize;
use serde_json::{Value, json};

use super::model::{ORDER, Order, decoded};
use super::products::RequestedItem;
use super::{OrderError, follow, show};
use crate::api::{Client, Operation};
use crate::terminal::{Output, new_id};

#[derive(Deserialize)]
struct PlacedOrder {
    order: Order,
}

pub async fn run(client: &mut Client, arguments: &ArgMatches) -> Result<(), OrderError> {
    let mut items = Vec::new();
    for item in arguments
        .get_many::<RequestedItem>("item")
        .into_iter()
        .flatten()
    {
        items.push(item.resolve(client).await?);
    }
    let text = |name| arguments.get_one::<String>(name);
    let mut input = json!({ "userId": text("user"), "items": items });
    if let Some(address) = address(arguments) {
        input["shippingAddress"] = address;
    }
    let key = text("key").cloned();
    let key = key.unwrap_or_else(|| format!("order-{}", new_id()));
    let operation = Operation {
        name: "createOrder",
        document: &format!(
            "mutation($input: CreateOrderInput!) {{ order: createOrder(input: $input) {{ {ORDER} }} }}"
        ),
    };
    let placed = client
        .mutate(operation, json!({ "input": input }), &key)
        .await?;
    let placed: PlacedOrder = decoded(placed, operation.name)?;
    let output = Output::of(arguments);
    output.write(&placed.order, |order| {
        show::text(order).trim_end().to_owned()
    });
    if arguments.get_flag("follow") {
        follow::follow(client, &placed.order.id, output).await?;
    }
    Ok(())
}

fn address(arguments: &ArgMatches) -> Option<Value> {
    let text = |name| arguments.get_one::<String>(name);
    Some(json!({
        "street": text("street")?,
        "city": text("city")?,
        "postalCode": text("postal-code")?,
    }))
}
