//! Categories with the number of their products.

use domain::category::{Category, CategoryEvent};
use domain::category_membership::{Membership, MembershipEvent};
use domain::value::CategoryName;
use event_sourcing::aggregate::decode;
use event_sourcing::projection::FoldError;
use event_sourcing::{Aggregate, DecodeError, Envelope, Filter, Projection};
use read_model_sql::{Column, TableProjection, TableRow, Value, from_row};

use super::named::{NamedRow, stream_version, text};

/// Folds categories and their memberships.
#[derive(Clone, Copy, Debug, Default)]
pub struct Categories;

/// A category as it is read. Times are microseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CategoryRow {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What searches look at.
    pub name_key: String,
    /// Its description.
    pub description: Option<String>,
    /// How many products belong to it.
    pub product_count: i64,
    /// Counts the category's own stream.
    pub version: i64,
    /// The time of its first event.
    pub created_at: i64,
    /// The time of the last event that changed the row.
    pub updated_at: i64,
}

from_row!(CategoryRow {
    id,
    name,
    name_key,
    description,
    product_count,
    version,
    created_at,
    updated_at,
});

/// An event that concerns a category.
#[derive(Clone, Debug)]
pub enum CategoryFact {
    /// Of its own stream.
    Category(CategoryEvent),
    /// A product came or left.
    Membership(MembershipEvent),
}

impl TableRow for CategoryRow {
    const COLUMNS: &'static [Column] = &[
        Column::text("id"),
        Column::text("name"),
        Column::text("name_key"),
        Column::text("description"),
        Column::int("product_count"),
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
            self.product_count.into(),
            self.version.into(),
            self.created_at.into(),
            self.updated_at.into(),
        ]
    }
}

impl NamedRow for CategoryRow {
    fn name(&self) -> &str {
        &self.name
    }
}

impl TableProjection for Categories {
    const DDL: &'static str = "
        CREATE TABLE {table} (
            id {text} PRIMARY KEY,
            name {text} NOT NULL,
            name_key {text} NOT NULL,
            description {text},
            product_count bigint NOT NULL,
            version bigint NOT NULL,
            created_at bigint NOT NULL,
            updated_at bigint NOT NULL
        );
        CREATE INDEX {table}_by_name ON {table} (name, id);";
}

impl Projection for Categories {
    const NAME: &'static str = "categories";
    const SCHEMA_VERSION: u32 = 2;
    type Key = String;
    type Row = CategoryRow;
    type Event = CategoryFact;

    fn filter(&self) -> Filter {
        Filter::of_streams(&[Category::TYPE, Membership::TYPE])
    }

    fn decode(&self, envelope: &Envelope) -> Result<Self::Event, DecodeError> {
        match envelope.stream.aggregate_type() {
            Membership::TYPE => decode(envelope).map(CategoryFact::Membership),
            Category::TYPE => decode(envelope).map(CategoryFact::Category),
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
        row: Option<CategoryRow>,
        event: &Self::Event,
        envelope: &Envelope,
    ) -> Result<Option<CategoryRow>, FoldError> {
        let at = envelope.recorded_at.timestamp_micros();
        let event = match event {
            CategoryFact::Category(event) => event,
            CategoryFact::Membership(event) => return Ok(row.map(|row| row.count(event, at))),
        };
        let version = stream_version(envelope);
        Ok(match event {
            CategoryEvent::Created(data) => Some(CategoryRow {
                id: data.category_id.to_string(),
                name: data.name.as_str().to_owned(),
                name_key: data.name.key().as_str().to_owned(),
                description: text(data.description.as_ref()),
                product_count: 0,
                version,
                created_at: at,
                updated_at: at,
            }),
            CategoryEvent::Updated(data) => row.map(|row| CategoryRow {
                description: text(data.description.as_ref()),
                version,
                updated_at: at,
                ..row.named(&data.name)
            }),
            CategoryEvent::Deleted(_) => None,
        })
    }
}

impl CategoryRow {
    fn named(mut self, name: &CategoryName) -> Self {
        name.as_str().clone_into(&mut self.name);
        name.key().as_str().clone_into(&mut self.name_key);
        self
    }

    fn count(mut self, event: &MembershipEvent, at: i64) -> Self {
        self.product_count += match event {
            MembershipEvent::Added(_) => 1,
            MembershipEvent::Removed(_) => -1,
        };
        self.updated_at = at;
        self
    }
}
