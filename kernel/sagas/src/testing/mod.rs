//! The testing kit: every step × every fault, made from the saga's table, on the real engine.
//!
//! ```text
//!   scenario  what the test says of the saga, and what it may ask at the end
//!   fault     what can go wrong with a step, where it applies, and how the saga then ends
//!   script    the fault of one case: fires once, and says so
//!   book      the providers: do each action once for its key, and refuse it when the key is closed
//!   faulty    a provider as one step meets it: it misbehaves as the script says
//!   store     the memory store, as one process reaches it
//!   process   an engine and its executor; it can crash, and another takes over
//!   world     the store as the rest of the program sees it
//!   case      one saga, one fault, and what must hold at its end
//!   cancelled a saga that completes before a case begins, and that the case's saga cancels
//! ```
//!
//! A [`Scenario`] says how a saga begins, what its provider answers, and what must be true at the end. [`check`] runs
//! it once without a fault and once for each fault of each step, so that a step that is added to the table is tested, and
//! that for each version of the table. [`check_cancelling`] does so for a saga that cancels another one.
//! It fails if an end is not the expected one, if it is not clean, or if a fault did not fire.
//!
//! Time must be paused (`#[tokio::test(start_paused = true)]`): a case of many minutes then takes milliseconds.

mod cancelled;
mod case;
mod fake_provider;
mod fault;
mod fault_plan;
mod faulty;
mod process;
mod scenario;
mod store;
mod test_env;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

pub use fake_provider::FakeProvider;
pub use fault::{CallFault, CommitFault, Fault};
pub use scenario::{End, Scenario};
pub use test_env::TestEnv;

use self::cancelled::Completed;
use self::case::{Case, Precondition, RunResult};
use crate::Saga;

/// What was tested.
#[derive(Debug)]
pub struct Report {
    /// How many cases ran.
    pub cases: usize,
    /// How many cases of each fault there were, all of which fired; also the one without a fault.
    pub fired: BTreeMap<String, usize>,
}

/// Runs a scenario once for each fault of each step of each version of the saga's table.
///
/// # Panics
/// If anything that must hold does not. The message names the version, the step and the fault and has the saga's
/// stream.
pub async fn check<C: Scenario>(scenario: C) -> Report {
    check_all(scenario, &[None]).await
}

/// The same for a saga that cancels what another one did: each case begins after a saga of `cancelled` has completed,
/// by each version of its table; an old version of the cancelling saga meets the oldest one. In the end nothing of that may be left: what its providers did is undone, and what
/// its scenario checks of a compensated saga holds.
///
/// # Panics
/// As [`check`].
pub async fn check_cancelling<B: Scenario, C: Scenario>(cancelled: B, scenario: C) -> Report {
    let cancelled = Arc::new(cancelled);
    let before = B::Saga::DEFINITIONS.iter().map(|table| {
        let scenario = Arc::clone(&cancelled);
        Some(Arc::new(Completed { scenario, table }) as Arc<dyn Precondition>)
    });
    let before: Vec<_> = before.collect();
    check_all(scenario, &before).await
}

async fn check_all<C: Scenario>(scenario: C, before: &[Option<Arc<dyn Precondition>>]) -> Report {
    expect_paused_time().await;
    let scenario = Arc::new(scenario);
    let mut report = Report {
        cases: 0,
        fired: BTreeMap::new(),
    };
    let mut failures = Vec::new();
    let tables = C::Saga::DEFINITIONS.iter();
    let cases = tables.flat_map(|table| {
        // Only the latest version starts after what is done today.
        let is_latest = table.definition == C::Saga::DEFINITION_VERSION;
        let before = if is_latest { before } else { &before[..1] };
        let of_table = before.iter().flat_map(|before| {
            let cases = Case::all(table).into_iter();
            cases.map(|case| (case, before.clone()))
        });
        of_table.collect::<Vec<_>>()
    });
    for (case, before) in cases {
        let name = case.to_string();
        let fault = case.fault();
        let (ended, stream) = case.run(Arc::clone(&scenario), before).await;
        match ended {
            Ok(RunResult::NotProvoked) => continue,
            Ok(RunResult::Passed) => {
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
