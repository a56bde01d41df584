//! The command database on a disk that is full or fails for a while: acknowledged writes survive, and it works again
//! afterwards.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use command_database::CommandDatabase;
use domain::value::Money;
use platform::config::DatabaseUrl;
use providers::simulated::{Action, Decision, ProviderKind, SimulatedLedger, State};
use providers::{Payments, Providers};
use test_faults::{DiskFault, Faults, with_faults};

use crate::fake_stripe::{FakeStripe, SECRET_KEY};
use crate::stripe::stage::{GOOD_CARD, settings};
use crate::support::{charge, clock, id, key};

/// Runs the body once for each fault, on a fresh database whose log is named.
fn on_each_fault(
    test: &str,
    body: &impl AsyncFn(&Faults, DiskFault, &Path, CommandDatabase) -> Result<()>,
) -> Result<()> {
    with_faults(test, async |faults| {
        for fault in DiskFault::ALL {
            let folder = tempfile::tempdir()?;
            let url = format!("sqlite://{}/command.db", folder.path().display());
            let url = DatabaseUrl::parse(&url).context("a URL")?;
            let database = CommandDatabase::connect(&url, 4, true).await?;
            let log = folder.path().join("command.db-wal");
            body(faults, fault, &log, database)
                .await
                .with_context(|| format!("{fault:?}"))?;
        }
        Ok(())
    })
}

#[test]
fn the_simulated_ledger_reports_only_what_it_wrote() -> Result<()> {
    let test = "failing_disk::the_simulated_ledger_reports_only_what_it_wrote";
    on_each_fault(test, &async |faults, fault, log, database| {
        let (book, _task) = SimulatedLedger::open(database, clock());
        let action = || Action {
            kind: ProviderKind::PAYMENT,
            key: key("k"),
            order_id: id("o"),
            amount: Money::from_cents(100),
            decision: Decision::Done("pay".to_owned()),
            undo_reference: "refund".to_owned(),
        };
        fault.start(faults, log)?;
        assert!(book.act(action()).await.is_err());
        faults.stop()?;
        let found = book.act(action()).await.ok().context("it works again")?;
        assert_eq!(found.state, State::Done);
        let seen = book.look_up(ProviderKind::PAYMENT, &key("k")).await;
        assert_eq!(seen.ok().flatten(), Some(found));
        Ok(())
    })
}

#[test]
fn stripe_is_not_called_before_the_charge_is_recorded() -> Result<()> {
    let test = "failing_disk::stripe_is_not_called_before_the_charge_is_recorded";
    on_each_fault(test, &async |faults, fault, log, database| {
        let stripe = FakeStripe::start().await;
        let settings = settings(&stripe.url, SECRET_KEY, GOOD_CARD);
        let providers = Providers::from_settings(&settings, &database, &clock());
        let payments: Arc<Payments> = providers.ok().context("providers")?.payments;
        fault.start(faults, log)?;
        let charged = payments.act(&key("k"), &charge("o-1", 1_234)).await;
        assert!(charged.is_err());
        assert!(stripe.calls().is_empty(), "{:?}", stripe.calls());
        faults.stop()?;
        let charged = payments.act(&key("k"), &charge("o-1", 1_234)).await;
        assert!(charged.is_ok(), "{charged:?}");
        assert_eq!(stripe.money().captures, 1);
        Ok(())
    })
}
