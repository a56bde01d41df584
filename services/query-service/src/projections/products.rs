//! Products with their stock.

use domain::product::{Product, ProductEvent};
use domain::stock::{Stock, StockEvent};
use event_sourcing::aggregate::decode;
use event_sourcing::projection::FoldError;
use event_sourcing::{Aggregate, DecodeError, Envelope, Filter, Projection};
use read_model_sql::{Column, TableProjection, TableRow, Value, from_row};

use super::named::{NamedRow, stream_version, text};

/// Folds products and their stock.
#[derive(Clone, Copy, Debug, Default)]
pub struct Products;

/// A product as it is read. Times are microseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductRow {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What searches look at.
    pub name_key: String,
    /// Its description.
    pub description: Option<String>,
    /// Its price in whole cents.
    pub price_cents: i64,
    /// Its category.
    pub category_id: Option<String>,
    /// What lies in the shop.
    pub on_hand: i64,
    /// What orders hold of it.
    pub reserved: i64,
    /// Counts the product's own stream.
    pub version: i64,
    /// The time of its first event.
    pub created_at: i64,
    /// The time of the last event that changed the row.
    pub updated_at: i64,
}

from_row!(ProductRow {
    id,
    name,
    name_key,
    description,
    price_cents,
    category_id,
    on_hand,
    reserved,
    version,
    created_at,
    updated_at,
});

/// An event that concerns a product.
#[derive(Clone, Debug)]
pub enum ProductFact {
    /// Of its own stream.
    Product(ProductEvent),
    /// Of its stock.
    Stock(StockEvent),
}

impl TableRow for ProductRow {
    const COLUMNS: &'static [Column] = &[
        Column::text("id"),
        Column::text("name"),
        Column::text("name_key"),
        Column::text("description"),
        Column::int("price_cents"),
        Column::text("category_id"),
        Column::int("on_hand"),
        Column::int("reserved"),
        Column::int("version"),
        Column::int("created_at"),
        Column::int("updated_at"),
    ];

    fn key(&self) -> &str {
        &self.id
    }

    fn values(&self) -> Vec<Value> {
        vec![
            self.id.as_str().into(),
            self.name.as_str().into(),
            self.name_key.as_str().into(),
            self.description.clone().into(),
            self.price_cents.into(),
            self.category_id.clone().into(),
            self.on_hand.into(),
            self.reserved.into(),
            self.version.into(),
            self.created_at.into(),
            self.updated_at.into(),
        ]
    }
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
        CREATE INDEX {table}_by_category ON {table} (category_id, name, id);";
}

impl Projection for Products {
    const NAME: &'static str = "products";
    const SCHEMA_VERSION: u32 = 2;
    type Key = String;
    type Row = ProductRow;
    type Event = ProductFact;

    fn filter(&self) -> Filter {
        Filter::of_streams(&[Product::TYPE, Stock::TYPE])
    }

    fn decode(&self, envelope: &Envelope) -> Result<Self::Event, DecodeError> {
        match envelope.stream.aggregate_type() {
            Product::TYPE => decode(envelope).map(ProductFact::Product),
            Stock::TYPE => decode(envelope).map(ProductFact::Stock),
            _ => Err(DecodeError::UnknownType {
                event_type: envelope.event_type.clone(),
            }),
        }
    }

    fn keys(&self, _event: &Self::Event, envelope: &Envelope) -> Vec<String> {
        vec![envelope.stream.aggregate_id().to_owned()]
    }

    fn fold(
        &self,
        _key: &String,
        row: Option<ProductRow>,
        event: &Self::Event,
        envelope: &Envelope,
    ) -> Result<Option<ProductRow>, FoldError> {
        let at = envelope.recorded_at.timestamp_micros();
        let event = match event {
            ProductFact::Product(event) => event,
            ProductFact::Stock(event) => return Ok(row.map(|row| row.stocked(event, at))),
        };
        let version = stream_version(envelope);
        Ok(match event {
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
            // The price itself moved with the `ProductUpdated` before it.
            ProductEvent::PriceChanged(_) => row.map(|row| ProductRow {
                version,
                updated_at: at,
                ..row
            }),
            ProductEvent::Deleted(_) => None,
        })
    }
}

impl ProductRow {
    /// What can be sold.
    #[must_use]
    pub fn available(&self) -> i64 {
        self.on_hand - self.reserved
    }

    fn stocked(mut self, event: &StockEvent, at: i64) -> Self {
        // One that closes the stock comes with the product's deletion, which has taken the row.
        if let Some((on_hand, reserved)) = event.levels() {
            self.on_hand = on_hand.get().into();
            self.reserved = reserved.get().into();
            self.updated_at = at;
        }
        self
    }
}
