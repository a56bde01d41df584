//! `shop order list`.

use clap::ArgMatches;
use serde::{Deserialize, Serialize};
use serde_json::{Number, json};

use super::OrderError;
use super::model::{amount, decoded};
use crate::api::{Client, Operation};
use crate::terminal::{Output, line, table};

/// Small enough for the gateway's complexity limit.
const PAGE: usize = 100;

/// An order in a list.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct OrderSummary {
    id: String,
    user_id: String,
    status: String,
    total_amount: Number,
    created_at: String,
    updated_at: String,
}

#[derive(Deserialize)]
struct Page {
    orders: Vec<OrderSummary>,
}

/// The orders to list, from the arguments.
struct OrderFilter<'a> {
    user: Option<&'a String>,
    /// As the API writes it.
    status: Option<String>,
    limit: usize,
    offset: usize,
}

/// Lists them, the latest first.
pub async fn run(client: &mut Client, arguments: &ArgMatches) -> Result<(), OrderError> {
    let number = |name| {
        let number = arguments.get_one::<u32>(name).copied().unwrap_or_default();
        number as usize
    };
    let status = arguments.get_one::<String>("status");
    let wanted = OrderFilter {
        user: arguments.get_one("user"),
        status: status.map(|status| status.to_ascii_uppercase()),
        limit: number("limit"),
        offset: number("offset"),
    };
    let mut orders = Vec::new();
    loop {
        let asked = PAGE.min(wanted.limit - orders.len());
        let page = wanted.page(client, orders.len(), asked).await?;
        let is_last = page.len() < asked;
        orders.extend(page);
        if is_last || orders.len() >= wanted.limit {
            break;
        }
    }
    Output::of(arguments).write_all(&orders, |_| table_of(&orders, wanted.limit));
    Ok(())
}

impl OrderFilter<'_> {
    /// Reads `count` orders, starting `from` orders after the offset.
    async fn page(
        &self,
        client: &mut Client,
        from: usize,
        count: usize,
    ) -> Result<Vec<OrderSummary>, OrderError> {
        let window = "status: $status, limit: $limit, offset: $offset";
        let (variable, field) = match self.user {
            None => ("", format!("orders({window})")),
            Some(_) => (
                "$user: ID!, ",
                format!("orders: userOrders(userId: $user, {window})"),
            ),
        };
        let document = format!(
            "query({variable}$status: OrderStatus, $limit: Int, $offset: Int) \
             {{ {field} {{ id userId status totalAmount createdAt updatedAt }} }}"
        );
        let operation = Operation {
            name: "orders",
            document: &document,
        };
        let mut variables = json!({
            "status": self.status,
            "limit": count,
            "offset": self.offset + from,
        });
        if let Some(user) = self.user {
            variables["user"] = json!(user);
        }
        let page = client.query(operation, variables).await?;
        Ok(decoded::<Page>(page, operation.name)?.orders)
    }
}

fn table_of(orders: &[OrderSummary], limit: usize) -> String {
    if orders.is_empty() {
        return "No order matches.".to_owned();
    }
    let rows: Vec<_> = orders.iter().map(row).collect();
    let more = if orders.len() == limit {
        "\n\nThere may be more: see --limit and --offset."
    } else {
        ""
    };
    let headings = ["ORDER", "USER", "STATUS", "TOTAL", "PLACED"];
    format!("{}{more}", table(headings, &rows))
}

fn row(order: &OrderSummary) -> [String; 5] {
    [
        line(&order.id),
        line(&order.user_id),
        line(&order.status),
        amount(&order.total_amount),
        line(&order.created_at),
    ]
}
