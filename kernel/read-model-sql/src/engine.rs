//! The few places where the two engines' SQL differs.

use crate::column::Column;

/// Which engine runs the SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// SQLite, in this process.
    Sqlite,
    /// PostgreSQL 14 or newer.
    Postgres,
}

impl Engine {
    /// The column type of text that is compared by its bytes.
    #[must_use]
    pub fn text_type(self) -> &'static str {
        match self {
            Self::Sqlite => "text",
            Self::Postgres => r#"text COLLATE "C""#,
        }
    }

    /// The storage option of a table whose rows change often.
    #[must_use]
    pub(crate) fn fillfactor(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => "WITH (fillfactor = 60)",
        }
    }

    /// A condition: `column` is one of the texts of a JSON list in a parameter. PostgreSQL uses the column's index for
    /// an array; a subquery would become a join with the whole table.
    #[must_use]
    pub fn is_one_of(self, column: &str, parameter: &str) -> String {
        match self {
            Self::Sqlite => format!("{column} IN (SELECT value FROM json_each({parameter}))"),
            Self::Postgres => format!(
                "{column} = ANY (ARRAY(SELECT jsonb_array_elements_text({parameter}::jsonb)))"
            ),
        }
    }

    /// A table for `FROM` with the texts of a JSON list in a parameter as the column `value`.
    #[must_use]
    pub fn json_list(self, parameter: &str) -> String {
        match self {
            Self::Sqlite => format!("(SELECT value FROM json_each({parameter}))"),
            Self::Postgres => format!(
                "(SELECT value FROM jsonb_array_elements_text({parameter}::jsonb) AS list (value))"
            ),
        }
    }

    /// A condition: `text` contains `part`, without wildcards.
    #[must_use]
    pub fn contains(self, text: &str, part: &str) -> String {
        match self {
            Self::Sqlite => format!("instr({text}, {part}) > 0"),
            Self::Postgres => format!("strpos({text}, {part}) > 0"),
        }
    }

    /// A condition: `text` starts with `part`, without wildcards.
    #[must_use]
    pub fn starts_with(self, text: &str, part: &str) -> String {
        match self {
            Self::Sqlite => format!("substr({text}, 1, length({part})) = {part}"),
            Self::Postgres => format!("starts_with({text}, {part})"),
        }
    }

    /// A `SELECT` of the rows in a JSON list of objects, with the names and types of the columns.
    #[must_use]
    pub(crate) fn json_rows(self, columns: &[Column], parameter: &str) -> String {
        match self {
            Self::Sqlite => {
                let fields = columns
                    .iter()
                    .map(|column| format!("json_extract(value, '$.{}')", column.name))
                    .collect::<Vec<_>>()
                    .join(", ");
                // Without WHERE, SQLite would read a following ON CONFLICT as part of a join.
                format!("SELECT {fields} FROM json_each({parameter}) WHERE true")
            }
            Self::Postgres => {
                let of = |part: fn(&Column) -> String| {
                    columns.iter().map(part).collect::<Vec<_>>().join(", ")
                };
                let names = of(|column| column.name.clone());
                let types = of(|column| format!("{} {}", column.name, column.kind));
                format!("SELECT {names} FROM json_to_recordset({parameter}::json) AS row ({types})")
            }
        }
    }

    /// The current time in microseconds: of the database's clock, or a parameter with that of the injected one.
    #[must_use]
    pub(crate) fn now_micros(self, parameter: &str) -> String {
        match self {
            Self::Sqlite => parameter.to_owned(),
            Self::Postgres => {
                "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint".to_owned()
            }
        }
    }

    /// A condition: a lease has expired for an owner that acquires it for `ttl`. Only one process at a time uses a
    /// SQLite file, so a lease that expires later than any valid one was acquired before the machine's clock was set
    /// back.
    #[must_use]
    pub(crate) fn is_expired(self, expires_at: &str, now: &str, ttl: &str) -> String {
        match self {
            Self::Sqlite => format!("({expires_at} <= {now} OR {expires_at} > {now} + 2 * {ttl})"),
            Self::Postgres => format!("{expires_at} <= {now}"),
        }
    }
}
