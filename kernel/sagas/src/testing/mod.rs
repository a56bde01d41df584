//! The testing kit: every step × every fault, made from the saga's table, on the real engine.
//!
//! ```text
//!   scenario  what the test says of the saga, and what it may ask at the end
//!   fault     what can go wrong with a step, where it applies, and how the saga then ends
//!   script    the fault of one case: fires once, and says so
//!   book      the provider: does each action once for its key, and refuses it when the key is closed
//!   store     the memory store, as one process reaches it
//!   process   an engine and its executor; it can crash, and another takes over
//!   world     the store as the rest of the program sees it
//!   case      one saga, one fault, and what must hold at its end
//! ```
//!
//! A [`Scenario`] says how a saga begins, what its provider answers, and what must be true at the end. [`check`] runs
//! it once without a fault and once for each fault of each step, so that a step that is added to the table is tested.
//! It fails if an end is not the expected one, if it is not clean, or if a fault did not fire.
//!
//! Time must be paused (`#[tokio::test(start_paused = true)]`): a case of many minutes then takes milliseconds.

mod book;
mod case;
mod fault;
mod process;
mod scenario;
mod script;
mod store;
mod world;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

pub use book::{Book, Deal};
pub use fault::{CallFault, CommitFault, Fault};
pub use scenario::{End, Scenario};
pub use world::World;

use self::case::{Case, Ran};
use crate::Saga;

/// What was tested.
#[derive(Debug)]
pub struct Report {
    /// How many cases ran.
    pub cases: usize,
    /// How many cases of each fault there were, all of which fired; also the one without a fault.
    pub fired: BTreeMap<String, usize>,
}

/// Runs a scenario once for each fault of each step.
///
/// # Panics
/// If anything that must hold does not. The message names the step and the fault and has the saga's stream.
pub async fn check<C: Scenario>(scenario: C) -> Report {
    expect_paused_time().await;
    let table = C::Saga::table(C::Saga::DEFINITION).expect("new sagas have a table");
    assert_eq!(
        table.flaw(),
        None,
        "the table of {} is wrong",
        C::Saga::NAME
    );
    let scenario = Arc::new(scenario);
    let mut report = Report {
        cases: 0,
        fired: BTreeMap::new(),
    };
    let mut failures = Vec::new();
    for case in Case::all(table) {
        let name = case.to_string();
        let fault = case.fault();
        let (ended, stream) = case.run(Arc::clone(&scenario)).await;
        match ended {
            Ok(Ran::NotProvoked) => continue,
            Ok(Ran::Passed) => {
                *report.fired.entry(fault).or_default() += 1;
            }
            Err(failure) => failures.push(format!("{name}: {failure}\n{stream}")),
        }
        report.cases += 1;
    }
    assert!(
        failures.is_empty(),
        "{} of {} cases of {} failed:\n\n{}",
        failures.len(),
        report.cases,
        C::Saga::NAME,
        failures.join("\n\n")
    );
    println!(
        "{}: {} cases, and every fault fired: {:?}",
        C::Saga::NAME,
        report.cases,
        report.fired
    );
    report
}

/// Without paused time a case would take as long as it says.
async fn expect_paused_time() {
    let begun = std::time::Instant::now();
    // So long that no busy machine takes this time for a sleep that is none.
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(
        begun.elapsed() < Duration::from_secs(8),
        "the kit for sagas needs paused time: #[tokio::test(start_paused = true)]"
    );
}
