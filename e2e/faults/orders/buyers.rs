//! Buyers: they order, follow, cancel, repeat requests, and record the answers.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use test_shop::until_within;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::WAIT_TIMEOUT;
use super::chance::Chance;
use crate::support::{
    CANCEL_ORDER, CREATE_ORDER, Client, RequestResult, SHIP_ORDER, number, order_input, text,
};

const BUYERS: usize = 24;
/// How long a buyer follows an order before it places the next one.
const FOLLOWS_FOR: Duration = Duration::from_secs(1);
/// Probabilities in percent.
const REPEATED: u64 = 10;
const CANCELLED: u64 = 25;
const SHIPPED: u64 = 15;
const RESTOCKED: u64 = 10;
const RESTOCKED_BY: f64 = 12.0;
/// The number of recent orders that a buyer may still change.
const REMEMBERED: usize = 8;

/// The answers that buyers got.
#[derive(Debug, Default)]
pub struct Notes {
    /// By user, each with a single order; the order's id once it is known.
    pub placed: BTreeMap<String, Option<String>>,
    /// Orders whose cancellation was accepted.
    pub cancelled: BTreeSet<String>,
    /// Orders whose shipping was accepted.
    pub shipped: BTreeSet<String>,
    /// Requests that were repeated although they had been answered.
    pub repeated: u64,
    /// Requests that were retried because there was no answer.
    pub retried: u64,
    /// Violations.
    pub problems: Vec<String>,
}

#[derive(Debug)]
pub struct Buyers {
    working: JoinSet<Notes>,
    stop: Arc<AtomicBool>,
    placed: Arc<AtomicU64>,
}

impl Buyers {
    /// Starts the buyers, with these gateways and products.
    pub fn start(gateways: &[SocketAddr], products: &[String], seed: u64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let placed = Arc::new(AtomicU64::new(0));
        let mut working = JoinSet::new();
        for number in 0..BUYERS {
            let buyer = Buyer {
                name: format!("buyer-{number}"),
                products: products.to_vec(),
                chance: Chance::new(seed.wrapping_add(number as u64)),
                client: Client::new(gateways, number),
                notes: Notes::default(),
                own: Vec::new(),
                requests: 0,
            };
            working.spawn(buyer.work(Arc::clone(&stop), Arc::clone(&placed)));
        }
        Self {
            working,
            stop,
            placed,
        }
    }

    /// The number of acknowledged orders.
    pub fn placed(&self) -> u64 {
        self.placed.load(Ordering::Relaxed)
    }

    /// Waits until `more` further orders are placed.
    pub async fn place(&self, more: u64) -> Result<()> {
        let target = self.placed() + more;
        until_within(WAIT_TIMEOUT, "orders", async || {
            let seen = self.placed();
            ensure!(seen >= target, "{seen} of {target}");
            Ok(())
        })
        .await
    }

    /// Stops the buyers and returns their notes.
    pub async fn finish(mut self) -> Result<Notes> {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Notes::default();
        while let Some(notes) = self.working.join_next().await {
            let notes = notes?;
            all.placed.extend(notes.placed);
            all.cancelled.extend(notes.cancelled);
            all.shipped.extend(notes.shipped);
            all.repeated += notes.repeated;
            all.retried += notes.retried;
            all.problems.extend(notes.problems);
        }
        Ok(all)
    }
}

struct Buyer {
    name: String,
    products: Vec<String>,
    chance: Chance,
    client: Client,
    notes: Notes,
    own: Vec<String>,
    requests: u64,
}

impl Buyer {
    async fn work(mut self, stop: Arc<AtomicBool>, placed: Arc<AtomicU64>) -> Notes {
        for round in 0.. {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let Some(order) = self.order(round).await else {
                continue;
            };
            placed.fetch_add(1, Ordering::Relaxed);
            if self.own.len() == REMEMBERED {
                self.own.remove(0);
            }
            self.own.push(order.clone());
            if self.chance.hits(CANCELLED) {
                self.cancel().await;
            } else {
                self.follow(&order, &stop).await;
            }
            if self.chance.hits(SHIPPED) {
                self.ship().await;
            }
            if self.chance.hits(RESTOCKED) {
                self.restock().await;
            }
        }
        self.notes.retried = self.client.retries;
        self.notes
    }

    /// Places an order under a unique user, so that it can be found whatever the answer is.
    async fn order(&mut self, round: u64) -> Option<String> {
        let user = format!("{}-{round}", self.name);
        let count = 1 + self.chance.below(3);
        let items: Vec<_> = (0..count)
            .map(|_| {
                let product = self.chance.below(self.products.len() as u64);
                let product = usize::try_from(product).unwrap_or_default();
                (product, i64::from(self.chance.hits(50)) + 1)
            })
            .collect();
        let items: Vec<_> = items
            .iter()
            .map(|(product, quantity)| (self.products[*product].as_str(), *quantity))
            .collect();
        let input = order_input(&user, &items);
        let known = self.change(CREATE_ORDER, &input).await;
        let id = match &known {
            RequestResult::Done(order) => text(order, "id").ok().map(str::to_owned),
            RequestResult::Rejected(_) | RequestResult::Lost(_) => None,
        };
        if id.is_none() {
            self.problem(&user, &known);
        }
        self.notes.placed.insert(user, id.clone());
        id
    }

    /// Sends a mutation until its outcome is known, and sometimes repeats it: the answer must be the same.
    async fn change(&mut self, document: &str, variables: &Value) -> RequestResult {
        self.requests += 1;
        let key = format!("{}/{}", self.name, self.requests);
        let known = self.client.ask(document, variables, Some(&key)).await;
        if self.chance.hits(REPEATED) {
            self.notes.repeated += 1;
            let again = self.client.ask(document, variables, Some(&key)).await;
            if again != known {
                self.problem(&format!("{known} and then, under {key},"), &again);
            }
        }
        known
    }

    /// Polls an order until its saga has progressed, for a limited time.
    async fn follow(&mut self, order: &str, stop: &AtomicBool) {
        let document = "query($id: ID!) { order(id: $id) { status } }";
        let variables = json!({ "id": order });
        let deadline = Instant::now() + FOLLOWS_FOR;
        while Instant::now() < deadline && !stop.load(Ordering::Relaxed) {
            match self.client.ask(document, &variables, None).await {
                RequestResult::Done(seen)
                    if text(&seen, "status").is_ok_and(|is| is == "PROCESSING") => {}
                // The query has no minimum position, so that the read side may not know the order yet.
                RequestResult::Rejected(_) => {}
                RequestResult::Done(_) => return,
                lost @ RequestResult::Lost(_) => return self.problem(order, &lost),
            }
        }
    }

    fn one_of_its_own(&mut self) -> Option<String> {
        let index = self.chance.below(self.own.len() as u64);
        self.own.get(usize::try_from(index).ok()?).cloned()
    }

    async fn cancel(&mut self) {
        let Some(order) = self.one_of_its_own() else {
            return;
        };
        let input = json!({ "input": { "orderId": order, "reason": "changed my mind" } });
        match self.change(CANCEL_ORDER, &input).await {
            RequestResult::Done(_) => {
                self.notes.cancelled.insert(order);
            }
            RequestResult::Rejected(code) if code == "CONFLICT" => {
                if !self.notes.shipped.contains(&order) {
                    self.problem(&order, &RequestResult::Rejected(code));
                }
            }
            other => self.problem(&order, &other),
        }
    }

    async fn ship(&mut self) {
        let Some(order) = self.one_of_its_own() else {
            return;
        };
        match self.change(SHIP_ORDER, &json!({ "id": order })).await {
            RequestResult::Done(_) => {
                self.notes.shipped.insert(order);
            }
            // Most are not confirmed yet.
            RequestResult::Rejected(code) if code == "CONFLICT" => {}
            other => self.problem(&order, &other),
        }
    }

    async fn restock(&mut self) {
        let index = self.chance.below(self.products.len() as u64);
        let product = self.products[usize::try_from(index).unwrap_or_default()].clone();
        let query = "query($id: ID!) { product(id: $id) { onHandQuantity } }";
        let seen = self
            .client
            .ask(query, &json!({ "id": product }), None)
            .await;
        let RequestResult::Done(seen) = seen else {
            return self.problem(&product, &seen);
        };
        let quantity = number(&seen, "onHandQuantity").unwrap_or_default() + RESTOCKED_BY;
        let update = "mutation($id: ID!, $quantity: Int!) { \
            updateStock(productId: $id, quantity: $quantity) { id } }";
        #[expect(clippy::cast_possible_truncation, reason = "a small whole number")]
        let variables = json!({ "id": product, "quantity": quantity as i64 });
        // The row may be outdated: a quantity below what is reserved by now is rejected.
        if let lost @ RequestResult::Lost(_) = self.change(update, &variables).await {
            self.problem(&product, &lost);
        }
    }

    fn problem(&mut self, about: &str, known: &RequestResult) {
        self.notes.problems.push(format!("{about}: {known}"));
    }
}
