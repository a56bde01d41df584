//! The command database on a disk that is full or fails temporarily: acknowledged writes are durable, and it recovers
//! afterwards.

use std::path::Path;

use anyhow::{Context, Result};
use command_database::CommandDatabase;
use event_sourcing::{CommandId, StoreError};
use idempotency_sql::{Claim, KeyedRequest, Requests};
use platform::config::DatabaseUrl;
use test_faults::{DiskFault, Faults, with_faults};
use uuid::Uuid;

use crate::notifications;
use crate::support::key_clock;

const TOKEN: &str = "00000000000000000000000000000001";

/// Runs the body once for each fault, on a fresh database.
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

fn request(name: &str) -> KeyedRequest {
    KeyedRequest {
        principal: "ada".to_owned(),
        key: name.to_owned(),
    }
}

#[test]
fn a_claimed_key_is_durable() -> Result<()> {
    let test = "failing_disk::a_claimed_key_is_durable";
    on_each_fault(test, &async |faults, fault, log, database| {
        let key_clock = key_clock(&database).await;
        let requests = Requests::new(database.requests().clone(), notifications::log(), key_clock);
        for round in 0..10_u128 {
            let request = request(&round.to_string());
            let seed = |number: u128| CommandId(Uuid::from_u128(2 * round + number));
            fault.start(faults, log)?;
            let claimed = requests.begin(&request, [7; 32], seed(0), TOKEN).await;
            let error = claimed.err().context("claimed although the write failed")?;
            assert!(error.is_retryable(), "{error}");
            faults.stop()?;
            let first = requests.begin(&request, [7; 32], seed(1), TOKEN).await?;
            let Claim::Fresh { seed: first } = first else {
                anyhow::bail!("{first:?}");
            };
            let again = requests.begin(&request, [7; 32], seed(2), TOKEN).await?;
            assert_eq!(again, Claim::Fresh { seed: first }, "the same seed");
        }
        Ok(())
    })
}

#[test]
fn a_stored_answer_is_durable_and_an_unstored_one_is_unknown() -> Result<()> {
    let test = "failing_disk::a_stored_answer_is_durable_and_an_unstored_one_is_unknown";
    on_each_fault(test, &async |faults, fault, log, database| {
        let key_clock = key_clock(&database).await;
        let requests = Requests::new(database.requests().clone(), notifications::log(), key_clock);
        let request = request("k");
        let seed = CommandId(Uuid::from_u128(1));
        requests.begin(&request, [7; 32], seed, TOKEN).await?;
        fault.start(faults, log)?;
        let stored = requests.finish(&request, TOKEN, Some(b"answer")).await;
        let error = stored.err().context("stored although the write failed")?;
        let is_unknown = matches!(error, StoreError::OutcomeUnknown { .. });
        assert!(error.is_retryable() && is_unknown, "{error}");
        faults.stop()?;
        assert!(requests.finish(&request, TOKEN, Some(b"answer")).await?);
        let again = requests.begin(&request, [7; 32], seed, TOKEN).await?;
        let answer = b"answer".to_vec();
        assert_eq!(again, Claim::Answered { answer });
        Ok(())
    })
}
