//! Categories with their product counts.

use domain::category::{Category, CategoryEvent, Membership, MembershipEvent};
use event_sourcing::Projection;
use event_sourcing::projection::{EventContext, Handlers};
use read_model_sql::TableProjection;
use serde::{Deserialize, Serialize};

use super::named::{NamedRow, text};

/// Folds categories and their memberships.
#[derive(Clone, Copy, Debug, Default)]
pub struct Categories;

/// The row of a category. Times are in microseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryRow {
    pub id: String,
    pub name: String,
    /// The case-folded name, for searches.
    pub name_key: String,
    pub description: Option<String>,
    /// The number of products that belong to it.
    pub product_count: i64,
    /// The version of the category's own stream.
    pub version: i64,
    /// The time of its first event.
    pub created_at: i64,
    /// The time of the last event that changed the row.
    pub updated_at: i64,
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
        CREATE INDEX {table}_by_name ON {table} (name, id);
        CREATE INDEX {table}_by_time ON {table} (created_at, id);";

    fn key(row: &CategoryRow) -> &str {
        &row.id
    }
}

impl Projection for Categories {
    const NAME: &'static str = "categories";
    const SCHEMA_VERSION: u32 = 3;
    type Row = CategoryRow;

    fn handlers(on: &mut Handlers<Self>) {
        on.aggregate::<Category>(fold);
        on.aggregate::<Membership>(count);
    }
}

fn fold(
    row: Option<CategoryRow>,
    event: &CategoryEvent,
    context: EventContext<'_>,
) -> Option<CategoryRow> {
    let (version, at) = (context.stream_version(), context.recorded_at_micros());
    match event {
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
            name: data.name.as_str().to_owned(),
            name_key: data.name.key().as_str().to_owned(),
            description: text(data.description.as_ref()),
            version,
            updated_at: at,
            ..row
        }),
        CategoryEvent::Deleted(_) => None,
    }
}

fn count(
    row: Option<CategoryRow>,
    event: &MembershipEvent,
    context: EventContext<'_>,
) -> Option<CategoryRow> {
    let change = match event {
        MembershipEvent::Added(_) => 1,
        MembershipEvent::Removed(_) => -1,
    };
    row.map(|row| CategoryRow {
        product_count: row.product_count + change,
        updated_at: context.recorded_at_micros(),
        ..row
    })
}
