//! Rows as structs, the same on both engines.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests may fail as tests do"
)]

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sql_database::postgres::pool;
use sql_database::row::{Columns, columns_of};
use sql_database::sqlite::{Durability, FileOptions, Readers};
use sql_database::{Database, NamedPool, Row, SqliteFile, Statement};
use tempfile::TempDir;
use test_postgres::TestDatabase;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Lamp {
    id: String,
    watts: Option<u32>,
    is_on: bool,
    state: State,
    rooms: Vec<String>,
    maker: Option<Maker>,
    prices: BTreeMap<String, i64>,
    last_state: State,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum State {
    ForSale,
    SoldTo { buyer: String },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Maker {
    name: String,
}

fn lamp() -> Lamp {
    Lamp {
        id: "lamp".to_owned(),
        watts: Some(40),
        is_on: true,
        state: State::ForSale,
        rooms: vec!["hall".to_owned(), "\"attic\"".to_owned()],
        maker: Some(Maker {
            name: "Ångström".to_owned(),
        }),
        prices: BTreeMap::from([("EUR".to_owned(), 1_250)]),
        last_state: State::SoldTo {
            buyer: "ann".to_owned(),
        },
    }
}

/// A database of each engine, and the owners that remove them at the end.
async fn databases() -> ([Database; 2], (TempDir, TestDatabase)) {
    let folder = tempfile::tempdir().unwrap();
    let options = FileOptions::new(folder.path().join("data.db"), Durability::Full);
    let sqlite = Database::Sqlite {
        file: SqliteFile::open(options).await.unwrap(),
        readers: Readers::Main,
    };
    let server = test_postgres::database().await;
    let connections = pool(2, Duration::from_secs(10)).connect(&server.url);
    let connections = NamedPool::new("test", connections.await.unwrap());
    let postgres = Database::Postgres {
        reading: connections.clone(),
        writing: connections,
    };
    ([sqlite, postgres], (folder, server))
}

#[tokio::test]
async fn a_row_is_read_as_it_was_written() {
    let (databases, _owners) = databases().await;
    for database in databases {
        let mut transaction = database.begin().await.unwrap();
        let table = "CREATE TABLE lamps (id text, watts bigint, is_on bigint, state text, rooms text, maker text, \
             prices text, last_state text)";
        transaction.run_script("make it", table).await.unwrap();
        let lamps = [
            lamp(),
            Lamp {
                watts: None,
                maker: None,
                is_on: false,
                ..lamp()
            },
        ];
        for lamp in &lamps {
            let insert = "INSERT INTO lamps VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
            let columns = serde_json::to_value(Columns::of(lamp).unwrap()).unwrap();
            let insert = columns_of::<Lamp>().iter().fold(
                Statement::new("insert", insert),
                |statement, name| match &columns[*name] {
                    serde_json::Value::Number(number) => statement.bind(number.as_i64().unwrap()),
                    serde_json::Value::String(text) => statement.bind(text.as_str()),
                    // The two columns that may be NULL: the driver needs their types.
                    _ if *name == "watts" => statement.bind(None::<i64>),
                    _ => statement.bind(None::<String>),
                },
            );
            transaction.execute(insert).await.unwrap();
        }
        transaction.commit("insert").await.unwrap();
        let select = Statement::new("read", "SELECT * FROM lamps ORDER BY watts IS NULL");
        let rows: Vec<Row<Lamp>> = database.fetch_all(select).await.unwrap();
        let rows: Vec<Lamp> = rows.into_iter().map(|Row(lamp)| lamp).collect();
        assert_eq!(rows, lamps);
        database.close().await;
    }
}

#[derive(Debug, PartialEq, Deserialize)]
struct Figures {
    count: i64,
    total: i64,
}

#[tokio::test]
async fn computed_columns_are_read() {
    let (databases, _owners) = databases().await;
    for database in databases {
        let sql = "SELECT count(*) AS count, CAST(coalesce(sum(n), 0) AS bigint) AS total \
             FROM (SELECT 1 AS n UNION ALL SELECT 2) AS numbers";
        let rows: Vec<Row<Figures>> = database
            .fetch_all(Statement::new("count", sql))
            .await
            .unwrap();
        assert_eq!(rows, [Row(Figures { count: 2, total: 3 })]);
        database.close().await;
    }
}

#[tokio::test]
async fn a_value_that_does_not_fit_is_reported_with_its_column() {
    let (databases, _owners) = databases().await;
    for database in databases {
        let cases = [
            ("SELECT CAST(1 AS bigint) AS count", "total"),
            (
                "SELECT CAST(1 AS bigint) AS count, 'many' AS total",
                "total",
            ),
        ];
        for (sql, column) in cases {
            let read = database.fetch_all::<Row<Figures>>(Statement::new("count", sql));
            let error = read.await.unwrap_err();
            let mut chain = Vec::new();
            let mut cause: Option<&dyn Error> = Some(&error);
            while let Some(error) = cause {
                chain.push(error.to_string());
                cause = error.source();
            }
            assert!(chain.join(": ").contains(column), "{chain:?}");
        }
        database.close().await;
    }
}

#[test]
fn the_columns_are_the_fields_of_a_struct() {
    assert_eq!(columns_of::<Figures>(), ["count", "total"]);
    assert_eq!(columns_of::<Vec<String>>(), [""; 0]);
    assert!(Columns::of(&["a"]).is_err());
}
