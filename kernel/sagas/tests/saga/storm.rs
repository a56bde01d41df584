//! All faults together: many sagas, an unreliable provider, crashes, zombies, outages of the store, cancellations.
//!
//! Faults are random by a seed, in paused time, so that a run can be repeated.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use event_sourcing::LeaseStore;
use sagas::{
    CallError, CompensationResult, EngineConfig, OperationKey, OperationStatus, OperatorAction,
    PARTITIONS, SagaOutcome, StepKind, StepProvider,
};

use crate::support::{Node, TestCluster, add, outcome};
use crate::trip::{Called, Inventory, Tour, Travel};

/// A pseudo-random generator (xorshift).
#[derive(Debug)]
struct Rng(u64);

impl Rng {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

#[derive(Clone, Debug, Default)]
struct Entry {
    effects: usize,
    is_effective: bool,
    is_closed: bool,
    is_declined: bool,
}

/// A provider with every fault that the contract of a provider allows.
#[derive(Debug)]
struct Unreliable {
    rng: Mutex<Rng>,
    is_calm: std::sync::atomic::AtomicBool,
    book: Arc<Mutex<BTreeMap<OperationKey, Entry>>>,
    faults: std::sync::atomic::AtomicUsize,
}

fn take_effect(
    book: &Mutex<BTreeMap<OperationKey, Entry>>,
    key: &OperationKey,
) -> Result<String, CallError> {
    let mut book = book.lock().unwrap();
    let entry = book.entry(key.clone()).or_default();
    if entry.is_closed || entry.is_declined {
        return Err(CallError::Declined("the key is closed".to_owned()));
    }
    if !entry.is_effective {
        (entry.effects, entry.is_effective) = (entry.effects + 1, true);
    }
    Ok("booked".to_owned())
}

impl Unreliable {
    fn roll(&self) -> u64 {
        if self.is_calm.load(Ordering::Relaxed) {
            return 99;
        }
        let rolled = self.rng.lock().unwrap().below(100);
        self.faults
            .fetch_add(usize::from(rolled < 50), Ordering::Relaxed);
        rolled
    }

    async fn delay(&self) {
        let pause = self.rng.lock().unwrap().below(800);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
}

#[async_trait]
impl<S: Travel, const CALL: usize> StepProvider<Called<S, CALL>> for Unreliable {
    async fn act(&self, key: &OperationKey, _call: &String) -> Result<String, CallError> {
        self.delay().await;
        match self.roll() {
            0..10 => Err(CallError::transient("out of order")),
            10..14 => {
                let mut book = self.book.lock().unwrap();
                let entry = book.entry(key.clone()).or_default();
                if entry.effects > 0 {
                    return Ok("booked".to_owned());
                }
                entry.is_declined = true;
                Err(CallError::Declined("declined".to_owned()))
            }
            14..22 => {
                let _lost = take_effect(&self.book, key);
                Err(CallError::unknown("connection reset"))
            }
            22..28 => std::future::pending().await,
            28..36 => {
                let _lost = take_effect(&self.book, key);
                std::future::pending().await
            }
            36..50 => {
                let (book, key) = (Arc::clone(&self.book), key.clone());
                let late = self.rng.lock().unwrap().below(90);
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_secs(late)).await;
                    let _unheeded = take_effect(&book, &key);
                });
                std::future::pending().await
            }
            _ => take_effect(&self.book, key),
        }
    }

    async fn look_up(&self, key: &OperationKey) -> Result<OperationStatus<String>, CallError> {
        self.delay().await;
        if self.roll() < 15 {
            return Err(CallError::unknown("out of order"));
        }
        let book = self.book.lock().unwrap();
        Ok(match book.get(key) {
            Some(entry) if entry.is_effective => OperationStatus::Done("booked".to_owned()),
            Some(entry) if entry.is_closed => OperationStatus::Compensated,
            Some(entry) if entry.is_declined => OperationStatus::Declined("declined".to_owned()),
            Some(_) | None => OperationStatus::Absent,
        })
    }

    async fn undo(
        &self,
        key: &OperationKey,
        _call: &String,
    ) -> Result<CompensationResult, CallError> {
        self.delay().await;
        let rolled = self.roll();
        if rolled < 15 {
            return Err(CallError::unknown("out of order"));
        }
        let had_effect = {
            let mut book = self.book.lock().unwrap();
            let entry = book.entry(key.clone()).or_default();
            (entry.is_closed, entry.is_effective) = (true, false);
            entry.effects > 0
        };
        match rolled {
            15..25 => Err(CallError::unknown("connection reset")),
            25..35 => std::future::pending().await,
            _ => Ok(CompensationResult {
                had_effect,
                reference: None,
                key_closed: true,
            }),
        }
    }
}

struct Storm {
    cluster: TestCluster,
    provider: Arc<Unreliable>,
    rng: Rng,
    owners: usize,
    nodes: Vec<Node>,
}

impl Storm {
    fn new(seed: u64) -> Self {
        let provider = Unreliable {
            rng: Mutex::new(Rng(seed * 7_919 + 1)),
            is_calm: std::sync::atomic::AtomicBool::new(false),
            book: Arc::default(),
            faults: std::sync::atomic::AtomicUsize::new(0),
        };
        let mut storm = Self {
            cluster: TestCluster::new(),
            provider: Arc::new(provider),
            rng: Rng(seed * 104_729 + 1),
            owners: 0,
            nodes: Vec::new(),
        };
        storm.start();
        storm.start();
        storm
    }

    fn start(&mut self) {
        self.owners += 1;
        let config = EngineConfig {
            lease: Duration::from_secs(3),
            max_backoff: Duration::from_secs(5),
            commit_timeout: Duration::from_secs(2),
            calls: 20,
            snapshot_every: 50,
            ..EngineConfig::new(format!("process-{}", self.owners))
        };
        let provider = Arc::clone(&self.provider);
        let node = self
            .cluster
            .start(config, |builder| add::<Tour>(builder, provider));
        self.nodes.push(node);
    }

    /// Injects a fault into the processes or the store.
    async fn strike(&mut self) {
        let index = usize::try_from(self.rng.below(2)).unwrap();
        let pause = Duration::from_millis(500 + self.rng.below(7_000));
        match self.rng.below(5) {
            0 | 1 => {
                self.nodes.swap_remove(index).abort().await;
                self.start();
            }
            2 => {
                self.nodes.swap_remove(index).stop().await;
                self.start();
            }
            3 => {
                let wire = Arc::clone(&self.nodes[index].store);
                wire.is_cut.store(true, Ordering::Relaxed);
                tokio::time::sleep(pause).await;
                wire.is_cut.store(false, Ordering::Relaxed);
            }
            _ => {
                // Both become zombies, and continue.
                let names: Vec<Arc<str>> = (0..PARTITIONS)
                    .map(|partition| format!("saga/{partition:02}").into())
                    .collect();
                let store = &self.cluster.store;
                let lasts = Duration::from_hours(1);
                store.seize_leases(&names, "usurper", lasts).await.unwrap();
                tokio::time::sleep(pause).await;
                store.release_leases(&names, "usurper").await.unwrap();
            }
        }
    }

    async fn begin(&mut self, number: usize) {
        let saga_id = format!("trip-{number}");
        self.cluster.begin::<Tour>(&saga_id).await;
        if self.rng.below(5) == 0 {
            let pause = Duration::from_millis(self.rng.below(4_000));
            tokio::time::sleep(pause).await;
            // It may be decided, or have ended.
            let _rejected = self
                .cluster
                .act::<Tour>(&saga_id, OperatorAction::Cancel)
                .await;
        }
    }

    /// Waits for the end, and resumes the saga when it is suspended.
    async fn end(&self, saga_id: &str) -> SagaOutcome {
        loop {
            let state = self
                .cluster
                .until::<Tour>(saga_id, |state| {
                    outcome(state).is_some() || state.run().unwrap().suspended.is_some()
                })
                .await;
            if let Some(outcome) = outcome(&state) {
                return outcome;
            }
            self.cluster
                .act::<Tour>(saga_id, OperatorAction::Resume)
                .await
                .unwrap();
        }
    }

    async fn check(&self, saga_id: &str, outcome: SagaOutcome) {
        let recorded = self.cluster.recorded::<Tour>(saga_id).await;
        let ends = ["SagaCompleted", "SagaCompensated", "SagaFailed"];
        let ends = recorded.iter().filter(|name| ends.contains(&name.as_str()));
        assert_eq!(ends.count(), 1, "{saga_id}: {recorded:?}");
        let inventory: Inventory = self.cluster.aggregate(&format!("shelf of {saga_id}")).await;
        let is_done = i64::from(outcome == SagaOutcome::Completed);
        for what in ["hold", "stamp", "archive", "completed"] {
            assert_eq!(
                inventory.count(what),
                is_done,
                "{saga_id}: {what} of {inventory:?}"
            );
        }
        let book = self.provider.book.lock().unwrap();
        let definition = <Tour as sagas::Saga>::definition_of(1).unwrap();
        for step in definition.steps() {
            if matches!(step.kind, StepKind::Local { .. }) {
                continue;
            }
            let prefix = format!("{saga_id}/{}/", step.name);
            let of_step = book
                .iter()
                .filter(|(key, _)| key.as_str().starts_with(&prefix));
            let effective = of_step.filter(|(_, entry)| entry.is_effective).count();
            let expected = usize::from(outcome == SagaOutcome::Completed);
            assert_eq!(effective, expected, "{prefix} of {book:?}");
        }
        assert!(book.values().all(|entry| entry.effects <= 1));
    }
}

async fn storm(seed: u64, sagas: usize) -> (usize, usize, usize) {
    let mut storm = Storm::new(seed);
    for number in 0..sagas {
        storm.begin(number).await;
        if number % 4 == 0 {
            storm.strike().await;
        }
    }
    tokio::time::sleep(Duration::from_mins(1)).await;
    storm.provider.is_calm.store(true, Ordering::Relaxed);
    let mut completed = 0;
    let mut ends = Vec::new();
    for number in 0..sagas {
        let saga_id = format!("trip-{number}");
        let outcome = storm.end(&saga_id).await;
        completed += usize::from(outcome == SagaOutcome::Completed);
        ends.push((saga_id, outcome));
    }
    // Wait for late actions.
    tokio::time::sleep(Duration::from_mins(5)).await;
    for (saga_id, outcome) in &ends {
        storm.check(saga_id, *outcome).await;
    }
    for node in storm.nodes.drain(..) {
        assert_eq!(node.engine.open(), []);
        node.stop().await;
    }
    let faults = storm.provider.faults.load(Ordering::Relaxed);
    (completed, sagas - completed, faults)
}

#[tokio::test(start_paused = true)]
async fn every_saga_has_one_clean_end_whatever_the_storm() {
    let (mut completed, mut compensated, mut faults) = (0, 0, 0);
    for seed in 1..=8 {
        let (done, undone, fired) = storm(seed, 60).await;
        (completed, compensated) = (completed + done, compensated + undone);
        faults += fired;
    }
    println!("{completed} completed, {compensated} compensated, {faults} faults of the provider");
    assert!(completed >= 60 && compensated >= 60 && faults >= 500);
}
