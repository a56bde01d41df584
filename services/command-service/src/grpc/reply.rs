//! Messages from answers.

use contract::proto::{Category, Error, Product, Stock};
use contract::{metadata, time};
use domain::category::CategoryValues;
use event_sourcing::{Clock, Position};
use prost_types::Timestamp;
use tonic::Response;

use crate::commands::{ProductAnswer, StockAnswer};

/// A reply that says which place in the log it reflects.
pub(super) fn at<M>(position: Option<Position>, message: M) -> Response<M> {
    let mut response = Response::new(message);
    if let Some(position) = position {
        metadata::insert_position(response.metadata_mut(), metadata::POSITION, position.0);
    }
    response
}

pub(super) fn split<A>(result: Result<A, Error>) -> (Option<A>, Option<Error>) {
    match result {
        Ok(answer) => (Some(answer), None),
        Err(error) => (None, Some(error)),
    }
}

pub(super) fn now(clock: &dyn Clock) -> Timestamp {
    time::to_timestamp(clock.now())
}

pub(super) fn category(values: &CategoryValues, version: u64) -> Category {
    Category {
        id: values.id.to_string(),
        name: values.name.as_str().to_owned(),
        created_at: Some(time::to_timestamp(values.created_at)),
        updated_at: Some(time::to_timestamp(values.updated_at)),
        description: values
            .description
            .as_ref()
            .map(|text| text.as_str().to_owned()),
        version: signed(version),
    }
}

/// The product without its category.
pub(super) fn product(answer: &ProductAnswer) -> Product {
    let values = &answer.values;
    Product {
        id: values.id.to_string(),
        name: values.name.as_str().to_owned(),
        // The highest price is far below the limit.
        price: i32::try_from(values.price.cents() / 100).unwrap_or(i32::MAX),
        category: None,
        created_at: Some(time::to_timestamp(values.created_at)),
        updated_at: Some(time::to_timestamp(values.updated_at)),
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
        updated_at: Some(time::to_timestamp(answer.values.updated_at)),
    }
}

/// Versions are signed on the wire and in both engines, and no stream gets that long.
pub(super) fn signed(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}
