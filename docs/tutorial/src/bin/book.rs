//! Books seats: `book BOOKING SHOW SEATS CARD`.

use std::error::Error;
use std::sync::Arc;

use box_office::app::{App, context};
use box_office::booking::{Booking, BookingData, ChargeCard};
use box_office::card_company::CardCompany;
use event_sourcing::{Metadata, SystemClock};
use sagas::{EngineConfig, Phase, Run, SagaEngine, SagaState, started};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || {
        arguments
            .next()
            .ok_or("usage: book BOOKING SHOW SEATS CARD")
    };
    let id = next()?;
    let data = BookingData {
        show: next()?,
        seats: next()?.parse()?,
        card: next()?,
        receipt: None,
    };

    let app = App::open().await?;
    let (log, context) = (app.store.store(), context());
    let config = EngineConfig {
        single_process: app.store.is_single_process(),
        ..EngineConfig::new(format!("box-office-{}", context.command_id))
    };
    let (executor, leases) = (app.executor.clone(), app.store.leases());
    let (engine, tasks) =
        SagaEngine::builder(executor, log.clone(), leases, Arc::new(SystemClock), config)
            .saga::<Booking>()
            .provider::<ChargeCard>(Arc::new(CardCompany::default()))
            .start()?;

    let start = started::<Booking>(&id, &data.show, data.clone(), Metadata::default());
    let begin = |saga: &SagaState<Booking>| match saga.run() {
        None => Ok(vec![start.clone()]),
        Some(_) => Err("there is a booking of this id"),
    };
    let done = app.executor.transact("book", &id, &context, begin).await?;
    engine.on_started::<Booking>(&id, done.position);

    let mut at = done.position;
    let booking = loop {
        let (saga, _) = app.executor.load::<SagaState<Booking>>(&id).await?;
        match saga.run() {
            Some(run) if !run.is_active() => break run.clone(),
            _ => at = log.wait_for(at.next()).await?,
        }
    };
    println!("{id}: {}", describe(&booking));

    drop(engine);
    tasks.stop().await;
    app.close().await;
    Ok(())
}

fn describe(booking: &Run<Booking>) -> String {
    let reason = booking.failure.as_deref().unwrap_or_default();
    match (&booking.phase, &booking.data.receipt) {
        (Phase::Ended(outcome), Some(receipt)) => format!("{outcome:?}, {receipt}"),
        (Phase::Ended(outcome), None) => format!("{outcome:?}, {reason}"),
        (Phase::Running | Phase::Compensating { .. }, _) => "waits for an operator".to_owned(),
    }
}
