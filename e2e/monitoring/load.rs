//! A load that uses everything once: the catalogue, orders of each outcome, queries, a subscription, invalid requests.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use test_shop::{Connection, Operation, Request, Socket};

use crate::support::Shop;

/// Payments of more than this are declined, as [`run`] expects.
pub const SETTINGS: [(&str, &str); 1] = [("PAYMENTS_URL", "simulated://?decline_over=100")];

/// A field that a client asks for, and that does not exist.
pub const INVENTED: &str = "inventedField";

const CHANGES: &str = "subscription { productCreated(after: \"0\") { id } }";
const PRODUCTS: &str = "{ productsPaginated(page: 1, perPage: 10) { id name category { name } } }";
const STATISTICS: &str = "{ productStatistics { totalCount minPrice maxPrice } }";

/// The subscription that stays open must be kept by the caller.
pub async fn run(shop: &Shop) -> Result<Socket> {
    let mut session = shop.session()?;
    let mut socket = Socket::open(session.gateway).await?;
    socket.subscribe("changes", CHANGES, &json!({})).await?;
    let category = session.create_category("Tea").await?;
    let cheap =
        json!({ "name": "Sencha", "price": 9, "categoryId": category, "stockQuantity": 50 });
    let cheap = session.create_product(cheap).await?;
    let dear = json!({ "name": "Gyokuro", "price": 540, "stockQuantity": 50 });
    let dear = session.create_product(dear).await?;
    socket.payload("changes").await?;

    let confirmed = session.place_order("ann", &[(&cheap, 2)]).await?;
    session.order_once(&confirmed, "CONFIRMED").await?;
    let declined = session.place_order("ann", &[(&dear, 1)]).await?;
    session.order_once(&declined, "CANCELLED").await?;
    session.cancel_order(&confirmed, "changed my mind").await?;
    session.order_once(&confirmed, "CANCELLED").await?;

    for query in [PRODUCTS, PRODUCTS, STATISTICS] {
        let answer = session.send(query, json!({})).await?;
        ensure!(answer.code().is_none(), "{query}: {}", answer.body);
    }
    let again = "mutation { createCategory(input: { name: \"tea\" }) { id } }";
    session
        .expect_rejection("CONFLICT", again, json!({}))
        .await?;
    let nothing = "{ product(id: \"none\") { id } }";
    session
        .expect_rejection("NOT_FOUND", nothing, json!({}))
        .await?;
    for invalid in ["{ not a document".to_owned(), format!("{{ {INVENTED} }}")] {
        let answer = Operation::new(&invalid).send(session.gateway).await?;
        answer.code().context("it is rejected")?;
    }
    let mut connection = Connection::open(session.gateway).await?;
    for path in ["/health", "/nowhere"] {
        connection.send(&Request::get(path)).await?;
    }
    let mut closed = Socket::open(session.gateway).await?;
    closed.subscribe("changes", CHANGES, &json!({})).await?;
    drop(closed);
    Ok(socket)
}
