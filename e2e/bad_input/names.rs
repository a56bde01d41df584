//! What the tables refer to by name.

use anyhow::Result;
use serde_json::json;

use super::text::Names;
use crate::support::Shop;

/// Fills a shop with a category, a product in it, and an order of it that is confirmed, so that nothing more happens by
/// itself.
pub async fn names_of(shop: &Shop) -> Result<Names> {
    let mut session = shop.session()?;
    let category = session.create_category("Books").await?;
    let input = json!({
        "name": "Novel", "price": 10, "categoryId": category, "stockQuantity": 10,
    });
    let product = session.create_product(input).await?;
    let order = session.place_order("ann", &[(&product, 1)]).await?;
    session.order_once(&order, "CONFIRMED").await?;
    Ok(Names::default()
        .with("category", category)
        .with("product", product)
        .with("order", order)
        .with("unknown", "0198c2a5-0000-7000-8000-000000000000")
        .with("head", shop.head().await?.to_string()))
}
