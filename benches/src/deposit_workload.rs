//! Clients that make deposits through the executor, and data to start with.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow};
use event_sourcing::execute::{Command, Context, DecideError, Executor, Lane, States, UnitOfWork};
use tokio::time::Instant;

use crate::account::{Account, Deposited, metadata};
use crate::ids::Ids;
use crate::measure::Client;

const TIMEOUT: Duration = Duration::from_secs(10);

/// Makes `times` deposits into an account in one commit.
#[derive(Debug)]
pub struct Deposit {
    pub account: String,
    pub times: usize,
    /// Whether the account is expected to have no events yet.
    pub is_first: bool,
}

impl Command for Deposit {
    const NAME: &'static str = "deposit";
    type Rejection = Infallible;
    type Reply = u64;

    fn streams(&self) -> Vec<Lane> {
        let lane = if self.is_first {
            Lane::create::<Account>
        } else {
            Lane::write::<Account>
        };
        vec![lane(&self.account)]
    }

    fn decide(&self, work: &mut UnitOfWork<'_, Infallible>) -> Result<(), DecideError<Infallible>> {
        let events = vec![Deposited::new(&self.account); self.times];
        work.append::<Account>(&self.account, &events)
    }

    fn reply(&self, states: &States) -> Option<u64> {
        let (account, _) = states.get::<Account>(&self.account)?;
        Some(account.deposits)
    }
}

/// Executes a deposit with a new command id.
pub async fn deposit(executor: &Executor, ids: &mut Ids, command: &Deposit) -> Result<()> {
    let context = Context {
        command_id: ids.command_id(),
        deadline: Instant::now() + TIMEOUT,
        metadata: metadata(),
        fence: None,
    };
    executor
        .execute(command, &context)
        .await
        .map_err(|error| anyhow!("deposit: {error}"))?;
    Ok(())
}

/// The accounts that a client deposits into.
#[derive(Clone, Debug)]
pub enum Accounts {
    /// A new account each time.
    New,
    Known(Arc<Vec<String>>),
}

/// A client that deposits.
#[derive(Debug)]
pub struct Depositor {
    pub executor: Arc<Executor>,
    pub ids: Ids,
    pub accounts: Accounts,
}

impl Client for Depositor {
    async fn operate(&mut self) -> Result<u64> {
        let command = match &self.accounts {
            Accounts::New => Deposit {
                account: self.ids.aggregate_id(),
                times: 1,
                is_first: true,
            },
            Accounts::Known(known) => Deposit {
                account: self.ids.pick(known).clone(),
                times: 1,
                is_first: false,
            },
        };
        deposit(&self.executor, &mut self.ids, &command).await?;
        Ok(1)
    }
}

/// Opens `accounts` accounts with `deposits` deposits each.
pub async fn open_accounts(
    executor: &Arc<Executor>,
    accounts: usize,
    deposits: usize,
) -> Result<Arc<Vec<String>>> {
    let mut ids = Ids::new();
    let names: Vec<String> = (0..accounts).map(|_| ids.aggregate_id()).collect();
    for chunk in names.chunks(256) {
        let mut running = tokio::task::JoinSet::new();
        for name in chunk {
            let executor = Arc::clone(executor);
            running.spawn(fill(executor, name.clone(), deposits));
        }
        while let Some(filled) = running.join_next().await {
            filled??;
        }
    }
    Ok(Arc::new(names))
}

/// Events of each account that `--preload` creates.
const PRELOAD_DEPOSITS: usize = 10;

/// Fills the log with about `events` events that no measurement reads.
pub async fn preload(executor: &Arc<Executor>, events: u64) -> Result<()> {
    let accounts = usize::try_from(events)? / PRELOAD_DEPOSITS;
    open_accounts(executor, accounts, PRELOAD_DEPOSITS).await?;
    Ok(())
}

async fn fill(executor: Arc<Executor>, account: String, deposits: usize) -> Result<()> {
    let mut ids = Ids::new();
    let mut left = deposits;
    while left > 0 {
        let times = left.min(100);
        let command = Deposit {
            account: account.clone(),
            times,
            is_first: left == deposits,
        };
        deposit(&executor, &mut ids, &command).await?;
        left -= times;
    }
    Ok(())
}
