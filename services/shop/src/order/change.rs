//! `shop order cancel`, `ship`, `deliver`.

use clap::ArgMatches;
use serde_json::json;

use super::model::read;
use super::{OrderError, id};
use crate::api::{Client, Operation};
use crate::terminal::{Output, line, new_id};

const CANCEL: Operation<'static> = Operation {
    name: "cancelOrder",
    document: "mutation($input: CancelOrderInput!) { cancelOrder(input: $input) }",
};
const SHIP: Operation<'static> = Operation {
    name: "shipOrder",
    document: "mutation($id: ID!) { shipOrder(id: $id) { id } }",
};
const DELIVER: Operation<'static> = Operation {
    name: "deliverOrder",
    document: "mutation($id: ID!) { deliverOrder(id: $id) { id } }",
};

/// Executes the command, and prints the order's status after it.
pub async fn run(
    change: &str,
    client: &mut Client,
    arguments: &ArgMatches,
) -> Result<(), OrderError> {
    let id = id(arguments);
    let key = format!("order-{}", new_id());
    let (operation, variables) = match change {
        "cancel" => {
            let mut input = json!({ "orderId": id });
            if let Some(reason) = arguments.get_one::<String>("reason") {
                input["reason"] = json!(reason);
            }
            (CANCEL, json!({ "input": input }))
        }
        "ship" => (SHIP, json!({ "id": id })),
        _ => (DELIVER, json!({ "id": id })),
    };
    client.mutate(operation, variables, &key).await?;
    let order = read(client, &id).await?;
    Output::of(arguments).write(&order, |order| {
        let (id, status) = (line(&order.id), line(&order.status));
        match (change, status.as_str()) {
            ("cancel", "CANCELLED") => format!("Order {id} is {status}."),
            ("cancel", "FAILED") => format!(
                "Order {id} is {status}: its cancellation is suspended and needs an operator.\nSee it: shop saga show {id}"
            ),
            ("cancel", _) => {
                format!("Order {id} is {status}, and is being cancelled.\nSee it: shop order follow {id}")
            }
            _ => format!("Order {id} is {status}."),
        }
    });
    Ok(())
}
