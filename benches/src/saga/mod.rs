//! Orders through the real processes, from createOrder to the end of their sagas.

mod completions;
mod suspended;

use std::sync::Arc;

use anyhow::{Result, ensure};
use serde_json::json;
use test_shop::{Connection, Operation};

use self::completions::Completions;
pub use self::suspended::run as run_suspended;
use crate::arguments::Options;
use crate::database::{Database, Server};
use crate::ids::Ids;
use crate::limits::FourCommits;
use crate::measure::{Client, Statistics, closed_loop};
use crate::report::{Comparison, Report, Row, Target};
use crate::services::Services;

const PRODUCTS: u64 = 1_000;
const PLENTY: u64 = 1_000_000_000;

/// The kind of orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Case {
    /// Orders for many products, which are all confirmed.
    Good,
    /// The same, but one in three shipments is declined and its order compensated.
    OneInThreeFails,
    /// Orders that are all for one product.
    Hot,
}

impl Case {
    fn name(self) -> &'static str {
        match self {
            Self::Good => "to CONFIRMED",
            Self::OneInThreeFails => "one in three fails at shipping",
            Self::Hot => "one product",
        }
    }

    fn settings(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Good | Self::Hot => &[],
            Self::OneInThreeFails => &[("SHIPPING_URL", "simulated://?fail_rate=0.3333333333")],
        }
    }
}

/// Measures orders for many products, and orders of which one in three fails.
pub async fn run(options: &Options, report: &mut Report) -> Result<()> {
    let clients = options.clients_or(&[1, 16, 64, 256]);
    measure(
        "saga",
        &[Case::Good, Case::OneInThreeFails],
        &clients,
        options,
        report,
    )
    .await
}

/// Measures orders for one product, compared with orders for many.
pub async fn run_hot(options: &Options, report: &mut Report) -> Result<()> {
    let clients = options.clients_or(&[64]);
    measure("hot", &[Case::Good, Case::Hot], &clients, options, report).await
}

async fn measure(
    bench: &'static str,
    cases: &[Case],
    clients: &[usize],
    options: &Options,
    report: &mut Report,
) -> Result<()> {
    let server = Server::open(options.url.as_deref()).await?;
    let mut good = vec![None; clients.len()];
    for &case in cases {
        let shop = Shop::start(&server, case, options).await?;
        for (&clients, good) in clients.iter().zip(&mut good) {
            let before = shop.limit(clients, options).await?;
            let figures = shop.measure(case, clients, options).await?;
            let after = shop.limit(clients, options).await?;
            let row = Row::new(bench, case.name(), shop.on, clients, &figures);
            report.add(&compare(
                row,
                case,
                clients,
                &figures,
                before.zip(after),
                good.as_ref(),
            ))?;
            if case == Case::Good {
                *good = Some(figures);
            }
        }
        shop.stop().await?;
    }
    Ok(())
}

/// Compares a figure with the limit of its case: confirmed orders with the hand-written program, the others with
/// confirmed orders.
fn compare(
    mut row: Row,
    case: Case,
    clients: usize,
    figures: &Statistics,
    baseline: Option<(Statistics, Statistics)>,
    good: Option<&Statistics>,
) -> Row {
    let at_64 = |target| (clients == 64).then_some(Target::AtLeast(target));
    if case == Case::Good {
        match clients {
            1 => row = row.bound("p50 ms", figures.p50_ms, Target::AtMost(6.0)),
            64 => row = row.bound("p99 ms", figures.p99_ms, Target::AtMost(150.0)),
            _ => {}
        }
        let Some((before, after)) = baseline else {
            return row;
        };
        let (ours, before, after) = (figures.per_second, before.per_second, after.per_second);
        let name = "4 hand-written commits";
        return row.compared_to(Comparison::new(name, ours, before, after, at_64(0.65)));
    }
    let Some(good) = good else {
        return row;
    };
    let target = if case == Case::Hot { 0.5 } else { 0.7 };
    let (ours, good) = (figures.per_second, good.per_second);
    row.compared_to(Comparison::new("all good", ours, good, good, at_64(target)))
}

/// The running processes, with products to order.
struct Shop {
    services: Services,
    products: Arc<Vec<String>>,
    completions: Completions,
    baseline: Option<(FourCommits, Database)>,
    on: &'static str,
}

impl Shop {
    async fn start(server: &Server, case: Case, options: &Options) -> Result<Self> {
        let services = Services::start_with(server, case.settings()).await?;
        let count = if case == Case::Hot {
            1
        } else {
            options.preload.max(PRODUCTS)
        };
        let products = services.fill_with_stock(count, PLENTY).await?;
        let completions = Completions::follow(&services.event_store_url()).await?;
        let baseline = if server.is_postgres() && case == Case::Good {
            // The limit writes the events that an order of the services wrote.
            let mut buyer = Buyer::connect(&services, &products, &completions).await?;
            let order = buyer.order().await?;
            let events = completions.events_of(&order).await?;
            let database = server.database().await?;
            let limit = FourCommits::create(&database.url, events, options.preload).await?;
            Some((limit, database))
        } else {
            None
        };
        Ok(Self {
            services,
            products,
            completions,
            baseline,
            on: server.layout(),
        })
    }

    async fn limit(&self, clients: usize, options: &Options) -> Result<Option<Statistics>> {
        match &self.baseline {
            Some((limit, _)) => Ok(Some(limit.measure(clients, options.duration()).await?)),
            None => Ok(None),
        }
    }

    async fn measure(&self, case: Case, clients: usize, options: &Options) -> Result<Statistics> {
        let before = self.completions.counts();
        let mut buyers = Vec::with_capacity(clients);
        for _ in 0..clients {
            buyers.push(Buyer::connect(&self.services, &self.products, &self.completions).await?);
        }
        let figures = closed_loop(buyers, options.duration()).await?;
        let after = self.completions.counts();
        let completed = after.completed - before.completed;
        let compensated = after.compensated - before.compensated;
        match case {
            Case::Good | Case::Hot => {
                ensure!(compensated == 0, "{compensated} orders were compensated");
            }
            Case::OneInThreeFails => {
                ensure!(
                    compensated * 5 > completed && compensated < completed,
                    "{compensated} orders were compensated, and {completed} completed"
                );
            }
        }
        Ok(figures)
    }

    async fn stop(self) -> Result<()> {
        self.completions.stop().await;
        if let Some((_, database)) = self.baseline {
            database.discard().await?;
        }
        self.services.discard().await
    }
}

/// A customer that sends its next order after the previous one has ended.
struct Buyer {
    connection: Connection,
    products: Arc<Vec<String>>,
    completions: Completions,
    ids: Ids,
}

impl Buyer {
    async fn connect(
        services: &Services,
        products: &Arc<Vec<String>>,
        completions: &Completions,
    ) -> Result<Self> {
        Ok(Self {
            connection: Connection::open(services.gateway()?).await?,
            products: Arc::clone(products),
            completions: completions.clone(),
            ids: Ids::new(),
        })
    }

    /// Orders one item, waits for the end of the saga, and returns the order's id.
    async fn order(&mut self) -> Result<String> {
        let product = self.ids.pick(&self.products).clone();
        let document = "mutation($input:CreateOrderInput!){createOrder(input:$input){id status}}";
        let input =
            json!({ "userId": "bench", "items": [{ "productId": product, "quantity": 1 }] });
        let operation = Operation::new(document).with(json!({ "input": input }));
        let data = operation.send_on(&mut self.connection).await?.data()?;
        let id = data["createOrder"]["id"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        ensure!(
            data["createOrder"]["status"] == "PROCESSING",
            "not processed: {data}"
        );
        self.completions.of(&id).await?;
        Ok(id)
    }
}

impl Client for Buyer {
    async fn operate(&mut self) -> Result<u64> {
        self.order().await?;
        Ok(1)
    }
}
