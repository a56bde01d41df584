//! The complete path through the real processes: GraphQL request, gRPC, events, read side, GraphQL response.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use serde_json::json;

use crate::arguments::Options;
use crate::database::{Database, Server};
use crate::ids::Ids;
use crate::limits::{Direct, GraphqlClient, PRODUCTS, Writes, fill};
use crate::measure::Statistics;
use crate::report::{Comparison, Report, Row, Target};
use crate::services::Services;

const BY_ID: &str = "product by id with its category";
const LIST: &str = "20 products with categories";
const CREATE: &str = "createProduct";

/// Compares reads with axum and async-graphql directly on PostgreSQL, and writes with inserts.
pub async fn run(options: &Options, report: &mut Report) -> Result<()> {
    let server = Server::open(options.url.as_deref()).await?;
    let services = Services::start(&server).await?;
    let catalogue = services.fill(options.preload.max(PRODUCTS)).await?;
    let limits = Limits::start(&server, options).await?;
    let bench = Bench {
        gateway: services.gateway()?,
        products: catalogue.products,
        on: server.layout(),
    };
    for clients in options.clients_or(&[1, 16, 64]) {
        for case in [BY_ID, LIST, CREATE] {
            let before = limits.measure(case, clients, options).await?;
            let figures = bench.measure(case, clients, options).await?;
            let after = limits.measure(case, clients, options).await?;
            report.add(&bench.row(case, clients, &figures, before.zip(after)))?;
        }
    }
    limits.stop().await?;
    services.discard().await
}

struct Bench {
    gateway: SocketAddr,
    products: Arc<Vec<String>>,
    on: &'static str,
}

impl Bench {
    async fn measure(&self, case: &str, clients: usize, options: &Options) -> Result<Statistics> {
        let duration = options.duration();
        match case {
            BY_ID => {
                let products = Arc::clone(&self.products);
                let request = move |ids: &mut Ids| product_by_id(ids.pick::<String>(&products));
                GraphqlClient::measure(self.gateway, request, clients, duration).await
            }
            LIST => {
                GraphqlClient::measure(self.gateway, |_: &mut Ids| products(), clients, duration)
                    .await
            }
            _ => GraphqlClient::measure(self.gateway, create_product, clients, duration).await,
        }
    }

    fn row(
        &self,
        case: &str,
        clients: usize,
        figures: &Statistics,
        limit: Option<(Statistics, Statistics)>,
    ) -> Row {
        let mut row = Row::new("gateway", case, self.on, clients, figures);
        let on_postgres = self.on == "3 × pg";
        let (name, target) = match case {
            CREATE if clients == 64 && on_postgres => {
                row = row.bound("p99 ms", figures.p99_ms, Target::AtMost(50.0));
                ("one-row INSERT", Some(Target::AtLeast(0.5)))
            }
            CREATE => ("one-row write", None),
            _ if clients == 64 => ("direct", Some(Target::AtLeast(1.0))),
            _ => ("direct", None),
        };
        if case == BY_ID && clients == 1 && on_postgres {
            row = row.bound("p50 ms", figures.p50_ms, Target::AtMost(0.6));
        }
        let Some((before, after)) = limit else {
            return row;
        };
        let [ours, before, after] = [figures, &before, &after].map(|figures| figures.per_second);
        row.compared_to(Comparison::new(name, ours, before, after, target))
    }
}

/// The limits of the figures, on the same server.
struct Limits {
    writes: Writes,
    log: Database,
    direct: Option<(Direct, Database)>,
}

impl Limits {
    async fn start(server: &Server, options: &Options) -> Result<Self> {
        let log = server.database().await?;
        let writes = Writes::create(server, &log.url, options.preload).await?;
        let direct = if server.is_postgres() {
            let database = server.database().await?;
            fill(&database.url, options.preload.max(PRODUCTS)).await?;
            Some((Direct::start(&database.url).await?, database))
        } else {
            None
        };
        Ok(Self {
            writes,
            log,
            direct,
        })
    }

    async fn measure(
        &self,
        case: &str,
        clients: usize,
        options: &Options,
    ) -> Result<Option<Statistics>> {
        let duration = options.duration();
        let request: fn(&mut Ids) -> String = match case {
            CREATE => return Ok(Some(self.writes.measure(clients, duration).await?)),
            BY_ID => |ids| product_by_id(&format!("product-{}", ids.random() % PRODUCTS)),
            _ => |_| products(),
        };
        match &self.direct {
            Some((direct, _)) => Ok(Some(direct.measure(request, clients, duration).await?)),
            None => Ok(None),
        }
    }

    async fn stop(self) -> Result<()> {
        if let Some((direct, database)) = self.direct {
            direct.stop().await?;
            database.discard().await?;
        }
        self.log.discard().await
    }
}

fn product_by_id(id: &str) -> String {
    json!({
        "query": "query($id:ID!){product(id:$id){id name price stockQuantity category{id name}}}",
        "variables": { "id": id },
    })
    .to_string()
}

fn products() -> String {
    json!({ "query": "{products(limit:20){id name price stockQuantity category{id name}}}" })
        .to_string()
}

/// Without a category, and only with fields of the product.
pub fn create_product(ids: &mut Ids) -> String {
    json!({
        "query": "mutation($input:CreateProductInput!){createProduct(input:$input){id name price version createdAt}}",
        "variables": { "input": { "name": format!("Bench {:x}", ids.random()), "price": 12.5 } },
    })
    .to_string()
}
