//! Converts products and their stock into messages.

use contract::proto;
use contract::time::to_timestamp;
use domain::product::Product;
use domain::stock::Stock;

use super::super::reply::signed;

/// The product, or its last state before deletion, without its category; `None` if it never existed.
pub(super) fn product(product: &Product) -> Option<proto::Product> {
    let values = product.lifecycle().last()?;
    Some(proto::Product {
        id: values.id.to_string(),
        name: values.name.as_str().to_owned(),
        // The contract's maximum price is far below `i32::MAX`.
        price: i32::try_from(values.price.cents() / 100).unwrap_or(i32::MAX),
        category: None,
        created_at: Some(to_timestamp(values.created_at)),
        updated_at: Some(to_timestamp(values.updated_at)),
        price_decimal: values.price.to_string(),
        description: values
            .description
            .as_ref()
            .map(|text| text.as_str().to_owned()),
        version: signed(product.version().0),
        category_id: values.category_id.as_ref().map(ToString::to_string),
        stock: None,
    })
}

/// A product with its initial stock.
pub(super) fn created(new: &Product, opened: &Stock) -> Option<proto::Product> {
    let product = product(new)?;
    let stock = stock(&product.id, opened);
    Some(proto::Product { stock, ..product })
}

/// The stock of a product; `None` if it never existed.
pub(super) fn stock(product_id: &str, stock: &Stock) -> Option<proto::Stock> {
    let values = stock.lifecycle().last()?;
    Some(proto::Stock {
        product_id: product_id.to_owned(),
        on_hand: values.on_hand.get().into(),
        reserved: values.reserved.get().into(),
        available: values.available().get().into(),
        version: signed(stock.version().0),
        updated_at: Some(to_timestamp(values.updated_at)),
    })
}
