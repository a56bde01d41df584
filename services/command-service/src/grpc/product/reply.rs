//! Messages about products and their stock from answers.

use contract::proto::{Product, Stock};
use contract::time::to_timestamp;

use super::super::reply::signed;
use crate::commands::{ProductAnswer, StockAnswer};

/// The product without its category.
pub(super) fn product(answer: &ProductAnswer) -> Product {
    let values = &answer.values;
    Product {
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
        version: signed(answer.version),
        category_id: values.category_id.as_ref().map(ToString::to_string),
        stock: answer.stock.as_ref().map(stock),
    }
}

pub(super) fn stock(answer: &StockAnswer) -> Stock {
    Stock {
        product_id: answer.product_id.to_string(),
        on_hand: answer.values.on_hand.get().into(),
        reserved: answer.values.reserved.get().into(),
        available: answer.values.available().get().into(),
        version: signed(answer.version),
        updated_at: Some(to_timestamp(answer.values.updated_at)),
    }
}
