//! The testing kit: every step × every fault, generated from the saga's definition, on the real engine.
//!
//! ```text
//!   scenario       what a test supplies: the start of the saga, its providers, its checks
//!   fault          the faults of a step, where they apply, and the expected end of the saga
//!   fault_plan     the fault of one case: when it fires, and whether it did
//!   fake_provider  the providers: execute each action once for its key, and decline it when the key is closed
//!   faulty         injects faults into the calls of a provider
//!   store          injects faults into the memory store, for one process
//!   process        an engine and its executor, which can crash so that another takes over
//!   test_env       the store as other processes see it
//!   case           one saga, one fault, and the checks at its end
//!   cancelled      a saga that completes before a case starts and that the case's saga cancels
//! ```
//!
//! A [`Scenario`] starts a saga, supplies the responses of its providers, and checks its end. [`check`] runs it without a
//! fault and once for each fault of each step, in each version of the definition, so that a new step is tested without
//! a new test. [`check_cancelling`] does the same for a saga that cancels another one. A case fails if the end is not
//! the expected one, if effects remain, or if its fault did not fire.
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

/// Counts of the cases that ran.
#[derive(Debug)]
pub struct Report {
    /// How many cases ran.
    pub cases: usize,
    /// The number of cases in which each fault fired, by the fault's name; `none` for the case without a fault.
    pub fired: BTreeMap<String, usize>,
}

/// Runs a scenario once for each fault of each step of each version of the saga's definition.
///
/// # Panics
/// If a check fails. The message names the version, the step and the fault, and lists the events of the store.
pub async fn check<C: Scenario>(scenario: C) -> Report {
    check_all(scenario, &[None]).await
}

/// As [`check`], for a saga that cancels another one: each case starts after a saga of `cancelled` has completed, by each
/// version of its definition (an old version of the cancelling saga: only by the oldest). At the end every effect of the
/// cancelled saga must be undone, and its scenario's check of a compensated saga must pass.
///
/// # Panics
/// As [`check`].
pub async fn check_cancelling<B: Scenario, C: Scenario>(cancelled: B, scenario: C) -> Report {
    let cancelled = Arc::new(cancelled);
    let before = B::Saga::DEFINITIONS.iter().map(|definition| {
        let scenario = Arc::clone(&cancelled);
        Some(Arc::new(Completed {
            scenario,
            definition,
        }) as Arc<dyn Precondition>)
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
    let definitions = C::Saga::DEFINITIONS.iter();
    let cases = definitions.flat_map(|definition| {
        // Old versions no longer start, so they follow old sagas only.
        let is_latest = definition.definition == C::Saga::DEFINITION_VERSION;
        let before = if is_latest { before } else { &before[..1] };
        let of_definition = before.iter().flat_map(|before| {
            let cases = Case::all(definition).into_iter();
            cases.map(|case| (case, before.clone()))
        });
        of_definition.collect::<Vec<_>>()
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

/// Without paused time the waits of a case would take real time.
async fn expect_paused_time() {
    let start = std::time::Instant::now();
    // Long enough that a paused sleep on a busy machine is never mistaken for a real one.
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(
        start.elapsed() < Duration::from_secs(8),
        "the kit for sagas needs paused time: #[tokio::test(start_paused = true)]"
    );
}
