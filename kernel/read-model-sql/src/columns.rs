//! Checks that the columns of a table match the fields of the rows.

use event_sourcing::StoreError;
use sql_database::Row;
use sql_database::row::columns_of;

use crate::column::Column;
use crate::database::Database;
use crate::engine::Engine;
use crate::error::failed;
use crate::statement::Statement;
use crate::table::TableProjection;

const OPERATION: &str = "read the columns of a read model";

/// The fields of a row do not match the columns of its table.
#[derive(Debug, thiserror::Error)]
#[error(
    "the table of projection {projection} has the columns ({}), but its rows have the fields ({})",
    .columns.join(", "),
    .fields.join(", ")
)]
struct WrongColumns {
    projection: &'static str,
    columns: Vec<String>,
    fields: &'static [&'static str],
}

/// A column has a type that a row cannot have.
#[derive(Debug, thiserror::Error)]
#[error("the column {name} of projection {projection} must be text or bigint, got {kind}")]
struct WrongType {
    projection: &'static str,
    name: String,
    kind: String,
}

/// Reads the columns of `table`, in the order of the row's fields.
pub(crate) async fn read<P: TableProjection>(
    database: &Database,
    table: &str,
) -> Result<Vec<Column>, StoreError> {
    let sql = match database.engine() {
        Engine::Sqlite => "SELECT name, lower(type) AS kind FROM pragma_table_info($1)",
        Engine::Postgres => {
            "SELECT attname::text AS name, format_type(atttypid, NULL)::text AS kind FROM pg_attribute \
             WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped"
        }
    };
    let statement = Statement::new(OPERATION, sql).bind(table);
    let rows: Vec<Row<Column>> = database.fetch_all(statement).await?;
    let mut columns: Vec<Column> = rows.into_iter().map(|Row(column)| column).collect();
    let fields = columns_of::<P::Row>();
    let place = |column: &Column| fields.iter().position(|field| *field == column.name);
    if columns.len() != fields.len() || columns.iter().any(|column| place(column).is_none()) {
        let columns = columns.into_iter().map(|column| column.name).collect();
        return Err(failed(
            OPERATION,
            WrongColumns {
                projection: P::NAME,
                columns,
                fields,
            },
        ));
    }
    columns.sort_by_key(place);
    let mut others = columns.iter();
    if let Some(column) = others.find(|column| !["text", "bigint"].contains(&&*column.kind)) {
        return Err(failed(
            OPERATION,
            WrongType {
                projection: P::NAME,
                name: column.name.clone(),
                kind: column.kind.clone(),
            },
        ));
    }
    Ok(columns)
}
