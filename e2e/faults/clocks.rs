//! Clocks that are wrong or are changed: no order is cancelled because of it, no key is forgotten, and health reports it.
//!
//! `E2E_LONG=1` places many more orders.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use test_faults::Faults;
use test_shop::{Connection, Folder, Request, until};

use crate::support::{
    Audit, CREATE_ORDER, Client, Database, LedgerSums, RequestResult, SagaCount, Shop, Status,
    Topology, long, on_folder, on_with, order_input, report, text,
};

/// Ten minutes and 25 hours, fast and slow, in seconds.
const OFFSETS: [i32; 4] = [600, -600, 90_000, -90_000];
/// Orders for each offset, in the short and the long version.
const ORDERS: (usize, usize) = (20, 500);
/// Much less than the smallest offset of ten minutes.
const SETTLE_TIMEOUT: Duration = Duration::from_mins(1);
const WRITER: &str = "command-service";
/// Slow providers, so that sagas are in flight when their process is stopped.
const SETTINGS: [(&str, &str); 4] = [
    ("SAGA_LEASE_MS", "1000"),
    ("SAGA_RETRY_MAX_MS", "1000"),
    ("PAYMENTS_URL", "simulated://?latency_ms=20"),
    ("SHIPPING_URL", "simulated://?latency_ms=20"),
];

#[tokio::test]
async fn two_write_sides_whose_clocks_differ_lose_no_order_and_forget_no_key() -> Result<()> {
    on_with(
        Topology::Services { each: 2 },
        &SETTINGS,
        async |shop: &mut Shop| {
            let faults = Faults::create()?;
            for (name, value) in faults.variables() {
                shop.system.set(WRITER, name, &value);
            }
            let mut database = Database::events(shop.system.store()).await?;
            let since = database.time().await?;
            let mut buyers = Buyers::of(shop).await?;
            for offset in OFFSETS {
                shop.system.kill_one(WRITER, 1).await?;
                faults.set_clock(offset)?;
                shop.system.start_again_impaired().await?;
                buyers.order(offset).await?;
                SagaCount::all_ended(shop.system.store(), SETTLE_TIMEOUT).await?;
                is_reported(shop, offset).await?;
            }
            buyers.check(shop, OFFSETS.len()).await?;
            assert_eq!(database.misdated(since).await?, 0, "by the server's clock");
            database.close().await
        },
    )
    .await
}

#[tokio::test]
async fn a_shop_whose_clock_is_set_loses_no_order_and_forgets_no_key() -> Result<()> {
    let faults = Faults::create()?;
    let preloaded = faults.variables();
    let preloaded = preloaded
        .iter()
        .map(|(name, value)| (*name, value.as_str()));
    let settings: Vec<_> = SETTINGS.into_iter().chain(preloaded).collect();
    let folder = Folder::create()?;
    let data = folder.path().join("data");
    on_folder(&data, &settings, async |shop: &mut Shop| {
        let mut buyers = Buyers::of(shop).await?;
        let mut started_at = 0;
        for offset in OFFSETS {
            // The clock is changed while the shop runs, and stays so for the next start.
            faults.set_clock(offset)?;
            buyers.order(offset).await?;
            is_reported(shop, offset - started_at).await?;
            shop.system.kill(None).await?;
            shop.system.start_again().await?;
            started_at = offset;
            buyers.order(offset + 1).await?;
            SagaCount::all_ended(shop.system.store(), SETTLE_TIMEOUT).await?;
        }
        buyers.check(shop, 2 * OFFSETS.len()).await
    })
    .await
}

/// Buyers with keys, and the answers that they got.
struct Buyers {
    gateways: Vec<SocketAddr>,
    product: String,
    /// The orders by key.
    placed: BTreeMap<String, Value>,
    repeated: usize,
}

impl Buyers {
    async fn of(shop: &Shop) -> Result<Self> {
        let input = json!({ "name": "Tea", "price": "4.20", "stockQuantity": 1_000_000 });
        let first = shop.system.gateway(0)?;
        Ok(Self {
            gateways: vec![first, shop.system.gateway(1).unwrap_or(first)],
            product: shop.session()?.create_product(input).await?,
            placed: BTreeMap::new(),
            repeated: 0,
        })
    }

    /// Places orders at all gateways in turn, then repeats every request so far at the other gateways.
    async fn order(&mut self, round: i32) -> Result<()> {
        let many = if long() { ORDERS.1 } else { ORDERS.0 };
        for number in 0..many {
            let key = format!("{round} {number}");
            let order = self.ask(&key, number).await?;
            self.placed.insert(key, order);
        }
        for (number, (key, order)) in self.placed.iter().enumerate() {
            for at in [number, number + 1] {
                let again = self.ask(key, at).await?;
                ensure!(again == *order, "{key}: {order} and then {again}");
            }
        }
        self.repeated += 2 * self.placed.len();
        Ok(())
    }

    async fn ask(&self, key: &str, at: usize) -> Result<Value> {
        let input = order_input(key, &[(&self.product, 1)]);
        let mut client = Client::new(&self.gateways, at);
        match client.ask(CREATE_ORDER, &input, Some(key)).await {
            RequestResult::Done(order) => Ok(order),
            other => bail!("{key}: {other}"),
        }
    }

    async fn check(&self, shop: &Shop, rounds: usize) -> Result<()> {
        let store = shop.system.store();
        let mut audit = Audit::of(store).await?;
        audit.check_ends(&LedgerSums::of(store).await?);
        audit.verdict()?;
        let confirmed = audit.orders.values();
        let confirmed = confirmed
            .filter(|order| order.status == Status::Confirmed)
            .count();
        let placed = self.placed.len();
        report(&format!(
            "wrong clocks: {placed} orders in {rounds} rounds, {confirmed} confirmed, {} answers repeated",
            self.repeated
        ));
        ensure!(placed >= rounds * ORDERS.0, "only {placed} orders");
        assert_eq!(
            (confirmed, audit.orders.len()),
            (placed, placed),
            "confirmed, and in all"
        );
        Ok(())
    }
}

/// Waits until the process with the wrong clock reports the offset in its health, and that it is ready.
async fn is_reported(shop: &Shop, offset: i32) -> Result<()> {
    let word = if offset > 0 { "fast" } else { "slow" };
    let processes = shop.system.processes();
    let addresses = processes.filter_map(|(_, one)| one.address("COMMAND_METRICS_ADDR").ok());
    let address = addresses.last().context("no write side")?;
    let wanted = until("the clock's state", async || {
        let mut connection = Connection::open(address).await?;
        let health = connection.send(&Request::get("/health")).await?.json()?;
        let clock = text(&health["services"], "clock")?.to_owned();
        ensure!(clock.starts_with(word), "the clock is {clock}");
        Ok(clock)
    })
    .await?;
    let off: i32 = wanted
        .chars()
        .filter(char::is_ascii_digit)
        .collect::<String>()
        .parse()?;
    ensure!((off - offset.abs()).abs() <= 30, "{offset} s: {wanted}");
    let mut connection = Connection::open(address).await?;
    let ready = connection.send(&Request::get("/health/ready")).await?;
    ensure!(
        ready.status.is_success(),
        "{}: {:?}",
        ready.status,
        ready.body
    );
    Ok(())
}
