//! Products with their stock.

use domain::product::{Product, ProductEvent};
use domain::stock::{Stock, StockEvent};
use event_sourcing::Projection;
use event_sourcing::projection::{EventContext, Handlers};
use read_model_sql::TableProjection;
use serde::{Deserialize, Serialize};

use super::named::{NamedRow, text};

/// Folds products and their stock.
#[derive(Clone, Copy, Debug, Default)]
pub struct Products;

/// The row of a product. Times are in microseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductRow {
    pub id: String,
    pub name: String,
    /// The case-folded name, for searches.
    pub name_key: String,
    pub description: Option<String>,
    /// In cents.
    pub price_cents: i64,
    pub category_id: Option<String>,
    /// The stock on hand.
    pub on_hand: i64,
    /// The part of the stock that orders have reserved.
    pub reserved: i64,
    /// The version of the product's own stream.
    pub version: i64,
    /// The time of its first event.
    pub created_at: i64,
    /// The time of the last event that changed the row.
    pub updated_at: i64,
}

impl NamedRow for ProductRow {
    fn name(&self) -> &str {
        &self.name
    }
}

impl TableProjection for Products {
    const DDL: &'static str = "
        CREATE TABLE {table} (
            id {text} PRIMARY KEY,
            name {text} NOT NULL,
            name_key {text} NOT NULL,
            description {text},
            price_cents bigint NOT NULL,
            category_id {text},
            on_hand bigint NOT NULL,
            reserved bigint NOT NULL,
            version bigint NOT NULL,
            created_at bigint NOT NULL,
            updated_at bigint NOT NULL
        );
        CREATE INDEX {table}_by_name ON {table} (name, id);
        CREATE INDEX {table}_by_price ON {table} (price_cents, name, id);
        CREATE INDEX {table}_by_time ON {table} (created_at, id);
        CREATE INDEX {table}_by_category ON {table} (category_id, name, id);
        CREATE INDEX {table}_by_category_and_price ON {table} (category_id, price_cents, name, id);
        CREATE INDEX {table}_by_category_and_time ON {table} (category_id, created_at, id);";

    fn key(row: &ProductRow) -> &str {
        &row.id
    }
}

impl Projection for Products {
    const NAME: &'static str = "products";
    const SCHEMA_VERSION: u32 = 3;
    type Row = ProductRow;

    fn handlers(on: &mut Handlers<Self>) {
        on.aggregate::<Product>(fold);
        on.aggregate::<Stock>(fold_stock);
    }
}

fn fold(
    row: Option<ProductRow>,
    event: &ProductEvent,
    context: EventContext<'_>,
) -> Option<ProductRow> {
    let (version, at) = (context.stream_version(), context.recorded_at_micros());
    match event {
        ProductEvent::Created(data) => Some(ProductRow {
            id: data.product_id.to_string(),
            name: data.name.as_str().to_owned(),
            name_key: data.name.key().as_str().to_owned(),
            description: text(data.description.as_ref()),
            price_cents: data.price.cents(),
            category_id: data.category_id.as_ref().map(ToString::to_string),
            on_hand: 0,
            reserved: 0,
            version,
            created_at: at,
            updated_at: at,
        }),
        ProductEvent::Updated(data) => row.map(|row| ProductRow {
            name: data.name.as_str().to_owned(),
            name_key: data.name.key().as_str().to_owned(),
            description: text(data.description.as_ref()),
            price_cents: data.price.cents(),
            category_id: data.category_id.as_ref().map(ToString::to_string),
            version,
            updated_at: at,
            ..row
        }),
        // An audit event: the preceding `ProductUpdated` changed the price.
        ProductEvent::PriceChanged(_) => row.map(|row| ProductRow {
            version,
            updated_at: at,
            ..row
        }),
        ProductEvent::Deleted(_) => None,
    }
}

fn fold_stock(
    row: Option<ProductRow>,
    event: &StockEvent,
    context: EventContext<'_>,
) -> Option<ProductRow> {
    // `StockClosed` is committed with the product's deletion, which has already removed the row.
    let Some((on_hand, reserved)) = event.levels() else {
        return row;
    };
    row.map(|row| ProductRow {
        on_hand: on_hand.get().into(),
        reserved: reserved.get().into(),
        updated_at: context.recorded_at_micros(),
        ..row
    })
}

impl ProductRow {
    /// The stock available to sell.
    #[must_use]
    pub fn available(&self) -> i64 {
        self.on_hand - self.reserved
    }
}
