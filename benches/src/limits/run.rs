//! Measures only the limits.

use anyhow::Result;

use super::graphql::{Direct, PRODUCTS, fill};
use super::{PostgresLog, SqliteLog};
use crate::arguments::Options;
use crate::database::Server;
use crate::ids::Ids;
use crate::report::{Report, Row};

type Request = fn(&mut Ids) -> String;

const CASES: [(&str, Request); 2] = [
    ("product by id with its category", product_by_id),
    ("20 products with categories", products),
];

/// Measures each limit once.
pub async fn run(options: &Options, report: &mut Report) -> Result<()> {
    let server = Server::open(options.url.as_deref()).await?;
    if server.is_postgres() {
        inserts_on_postgres(&server, options, report).await?;
        graphql(&server, options, report).await
    } else {
        inserts_on_sqlite(&server, options, report).await
    }
}

async fn inserts_on_postgres(
    server: &Server,
    options: &Options,
    report: &mut Report,
) -> Result<()> {
    let database = server.database().await?;
    let log = PostgresLog::create(&database.url, options.preload).await?;
    for clients in options.clients_or(&[1, 16, 64, 256]) {
        let figures = log.one_row(clients, options.duration()).await?;
        report.add(&Row::new(
            "limit",
            "one-row INSERT",
            "postgres",
            clients,
            &figures,
        ))?;
    }
    for batch in [50, 500, 1_000] {
        let figures = log.batched(batch, options.duration()).await?;
        let case = format!("batched INSERT of {batch} (events)");
        report.add(&Row::new("limit", case, "postgres", 1, &figures))?;
    }
    database.discard().await
}

async fn inserts_on_sqlite(server: &Server, options: &Options, report: &mut Report) -> Result<()> {
    let database = server.database().await?;
    let log = SqliteLog::create(&database.url, options.preload).await?;
    for batch in [1, 50, 500] {
        let figures = log.batched(batch, options.duration()).await?;
        let case = format!("transactions of {batch} (events)");
        report.add(&Row::new("limit", case, "sqlite", 1, &figures))?;
    }
    database.discard().await
}

async fn graphql(server: &Server, options: &Options, report: &mut Report) -> Result<()> {
    let database = server.database().await?;
    fill(&database.url, options.preload.max(PRODUCTS)).await?;
    let direct = Direct::start(&database.url).await?;
    for (case, request) in CASES {
        for clients in options.clients_or(&[1, 16, 64]) {
            let figures = direct.measure(request, clients, options.duration()).await?;
            report.add(&Row::new("limit", case, "direct", clients, &figures))?;
        }
    }
    direct.stop().await?;
    database.discard().await
}

fn product_by_id(ids: &mut Ids) -> String {
    let id = ids.random() % PRODUCTS;
    format!(
        r#"{{"query":"query($id:ID!){{product(id:$id){{id name price stockQuantity category{{id name}}}}}}","variables":{{"id":"product-{id}"}}}}"#
    )
}

fn products(_: &mut Ids) -> String {
    r#"{"query":"{products(limit:20){id name price stockQuantity category{id name}}}"}"#.to_owned()
}
