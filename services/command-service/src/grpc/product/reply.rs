//! Messages about products and their stock from answers.

use contract::proto;
use contract::time::to_timestamp;
use domain::product::Product;
use domain::stock::Stock;

use super::super::reply::signed;

/// The product as it is, or was before its deletion, without its category; nothing if it never was.
pub(super) fn product(product: &Product) -> Option<proto::Product> {
    let values = product.lifecycle().last()?;
    Some(proto::Product {
        id: values.id.to_string(),
        name: values.name.as_str().to_owned(),
        // The highest price is far below the limit.
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

/// A product with the stock that it was created with.
pub(super) fn created(new: &Product, opened: &Stock) -> Option<proto::Product> {
    let product = product(new)?;
    let stock = stock(&product.id, opened);
    Some(proto::Product { stock, ..product })
}

/// The stock of a product; nothing if it never was.
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
