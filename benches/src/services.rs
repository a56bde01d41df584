//! The real processes on new databases, filled through their API.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use test_shop::{Binaries, Connection, Layout, Operation, Store, System};
use tokio::task::JoinSet;

use crate::certificates::Certificates;
use crate::database::{Database, Server};

const CATEGORIES: usize = 100;
const FILLERS: usize = 64;

/// Three processes on PostgreSQL, or `shop` on SQLite.
pub struct Services {
    pub system: System,
    databases: Vec<Database>,
}

/// The created products.
#[derive(Clone, Debug)]
pub struct Catalogue {
    pub products: Arc<Vec<String>>,
}

impl Services {
    pub async fn start(server: &Server) -> Result<Self> {
        Self::start_with(server, &[]).await
    }

    /// Starts all processes with these settings.
    pub async fn start_with(server: &Server, settings: &[(&str, &str)]) -> Result<Self> {
        let mut databases = vec![server.database().await?];
        let store = if server.is_postgres() {
            databases.push(server.database().await?);
            databases.push(server.database().await?);
            Store::Postgres {
                events: databases[0].url.clone(),
                command: databases[1].url.clone(),
                query: databases[2].url.clone(),
            }
        } else {
            let folder = databases[0].url.strip_prefix("sqlite://");
            let folder = folder.and_then(|path| path.strip_suffix("/bench.db"));
            Store::Sqlite {
                folder: folder.context("no folder")?.to_owned(),
            }
        };
        Ok(Self {
            system: start(store, settings, None).await?,
            databases,
        })
    }

    pub fn gateway(&self) -> Result<SocketAddr> {
        self.system.gateway(0)
    }

    /// Creates `products` products in several categories.
    pub async fn fill(&self, products: u64) -> Result<Catalogue> {
        let gateway = self.gateway()?;
        let categories = create_concurrently(gateway, CATEGORIES, |index, _| {
            let input = json!({ "name": format!("Category {index}") });
            ("createCategory", "CreateCategoryInput", input)
        })
        .await?;
        let categories = Arc::new(categories);
        let products = create_concurrently(gateway, usize::try_from(products)?, move |index, _| {
            let category = &categories[index % categories.len()];
            let input = json!({
                "name": format!("Product {index}"),
                "price": 1 + index % 1_000,
                "categoryId": category,
                "stockQuantity": index % 500,
            });
            ("createProduct", "CreateProductInput", input)
        })
        .await?;
        Ok(Catalogue {
            products: Arc::new(products),
        })
    }

    /// Creates `products` products without a category and with `stock` items each, and returns their ids.
    pub async fn fill_with_stock(&self, products: u64, stock: u64) -> Result<Arc<Vec<String>>> {
        let count = usize::try_from(products)?;
        let created = create_concurrently(self.gateway()?, count, move |index, _| {
            let input = json!({ "name": format!("Product {index}"), "price": 12.5, "stockQuantity": stock });
            ("createProduct", "CreateProductInput", input)
        });
        Ok(Arc::new(created.await?))
    }

    /// The URL of the event store.
    pub fn event_store_url(&self) -> String {
        match self.system.store() {
            Store::Postgres { events, .. } => events.clone(),
            Store::Sqlite { folder } => format!("sqlite://{folder}/event_store.db"),
        }
    }

    /// Stops the processes, which must end cleanly, and starts new ones on the same databases with other settings.
    pub async fn restart_with(self, settings: &[(&str, &str)]) -> Result<Self> {
        self.restart_over_tls(settings, None).await
    }

    /// As [`restart_with`](Self::restart_with), with these certificates.
    pub async fn restart_over_tls(
        self,
        settings: &[(&str, &str)],
        certificates: Option<&Certificates>,
    ) -> Result<Self> {
        let store = self.system.store().clone();
        self.system.stop().await?;
        Ok(Self {
            system: start(store, settings, certificates).await?,
            databases: self.databases,
        })
    }

    /// Stops the processes, which must end cleanly, and drops the databases.
    pub async fn discard(self) -> Result<()> {
        self.system.stop().await?;
        for database in self.databases {
            database.discard().await?;
        }
        Ok(())
    }
}

async fn start(
    store: Store,
    settings: &[(&str, &str)],
    certificates: Option<&Certificates>,
) -> Result<System> {
    let binaries = tokio::task::spawn_blocking(Binaries::build).await??;
    // A log line for each request would affect the measurement.
    let mut settings = [&[("LOG_LEVEL", "warn,platform=info")], settings].concat();
    settings.extend(certificates.iter().flat_map(|files| files.settings()));
    let tls = certificates.map(Certificates::client).transpose()?;
    System::start_over_tls(&binaries, store, Layout { each: 1 }, &settings, tls).await
}

type Creation = (&'static str, &'static str, Value);

/// Reads every kind of what is created.
const COUNTS: &str = "{ categoryStatistics { totalCount } productStatistics { totalCount } }";

/// Sends `count` creations from several clients, and returns the ids in order, once queries see them.
async fn create_concurrently(
    gateway: SocketAddr,
    count: usize,
    creation: impl Fn(usize, usize) -> Creation + Clone + Send + 'static,
) -> Result<Vec<String>> {
    let mut running = JoinSet::new();
    for filler in 0..FILLERS {
        let creation = creation.clone();
        running.spawn(async move {
            let mut connection = Connection::open(gateway).await?;
            let mut created = Vec::new();
            let mut position = None;
            for index in (filler..count).step_by(FILLERS) {
                let (mutation, kind, input) = creation(index, filler);
                let document =
                    format!("mutation($input: {kind}!) {{ {mutation}(input: $input) {{ id }} }}");
                let operation = Operation::new(&document).with(json!({ "input": input }));
                let answer = operation.send_on(&mut connection).await?;
                let data = answer.data()?;
                position = answer.position;
                let Some(id) = data[mutation]["id"].as_str() else {
                    bail!("no id in {data}");
                };
                created.push((index, id.to_owned()));
            }
            if let Some(position) = position {
                let read = Operation::new(COUNTS).with_header("x-min-position", &position);
                read.send_on(&mut connection).await?.data()?;
            }
            anyhow::Ok(created)
        });
    }
    let mut all = Vec::with_capacity(count);
    while let Some(created) = running.join_next().await {
        all.extend(created??);
    }
    all.sort_unstable();
    Ok(all.into_iter().map(|(_, id)| id).collect())
}
