//! Checks what the services have to do: projections, event handlers and sagas.

use std::time::Duration;

use chrono::TimeDelta;
use clap::ArgMatches;
use event_sourcing::{Clock, SystemClock};

use sagas::SagaStatus;

use super::check::{Check, Checks};
use crate::handlers::{EventHandler, list_handlers};
use crate::projections::{Projection, list_projections};
use crate::remote::CommandError;
use crate::saga::{Saga, State, list_open};
use crate::terminal::{line, span};

/// More than what a page of events adds under load.
const MAX_LAG_EVENTS: i64 = 5_000;
/// A saga that compensates for longer is likely to be suspended soon.
const LONG_COMPENSATION: Duration = Duration::from_mins(5);
/// Longer than a saga before its pivot may take.
const LONG_SAGA: Duration = Duration::from_mins(15);

pub async fn projections(arguments: &ArgMatches) -> Vec<Check> {
    let mut checks = Checks::of("projections");
    match list_projections(arguments).await {
        Ok(all) => all.iter().for_each(|one| projection(&mut checks, one)),
        Err(error) => unasked(&mut checks, "projections", error),
    }
    checks.into_all()
}

fn projection(checks: &mut Checks, projection: &Projection) {
    let name = line(&projection.name);
    let at = format!(
        "{} at {} of {}, lags by {}",
        projection.state, projection.position, projection.head, projection.lag
    );
    let reason = projection.parked.as_ref();
    let reason = reason.map(|event| format!("at {}: {}", event.position, event.reason));
    let reason = reason
        .or_else(|| projection.failure.clone())
        .unwrap_or_default();
    match projection.state {
        "parked" => checks.failed(
            name,
            format!("parked {reason}"),
            "see shop projections show NAME; its rows stay as they are until it resumes",
        ),
        "failing" => checks.failed(
            name,
            format!("failing: {reason}"),
            "look at the query database and the log of the read side; it is retried by itself",
        ),
        "building" => checks.warning(name, at, "wait; reads are rejected until it has caught up"),
        _ if projection.lag > MAX_LAG_EVENTS => checks.warning(
            name,
            at,
            "look again: if the lag grows, the read side or its database is too slow for the writes",
        ),
        _ => checks.ok(name, at),
    }
}

pub async fn handlers(arguments: &ArgMatches) -> Vec<Check> {
    let mut checks = Checks::of("event handlers");
    match list_handlers(arguments).await {
        Ok(all) => all.iter().for_each(|one| handler(&mut checks, one)),
        Err(error) => unasked(&mut checks, "event handlers", error),
    }
    checks.into_all()
}

fn handler(checks: &mut Checks, handler: &EventHandler) {
    let name = line(&handler.name);
    let at = format!(
        "{} at {} of {}, {} streams parked",
        handler.state, handler.position, handler.head, handler.parked_streams
    );
    let failure = handler.failure.clone().unwrap_or_default();
    match handler.state {
        "full" => checks.failed(
            name,
            at,
            "too many streams are parked: fix the cause, then shop handlers resume NAME",
        ),
        "failing" => checks.failed(
            name,
            format!("failing: {failure}"),
            "look at the command database and the log of the write side; it is retried by itself",
        ),
        _ if handler.parked_streams > 0 => checks.failed(
            name,
            at,
            "see shop handlers show NAME; their later events wait as well",
        ),
        "paused" => checks.warning(name, at, "an operator paused it; shop handlers resume NAME"),
        _ if handler.lag > MAX_LAG_EVENTS => {
            checks.warning(
                name,
                at,
                "look again: if the lag grows, what it calls is too slow",
            );
        }
        _ => checks.ok(name, at),
    }
}

pub async fn sagas(arguments: &ArgMatches) -> Vec<Check> {
    let mut checks = Checks::of("sagas");
    let sagas = match list_open(arguments).await {
        Ok(sagas) => sagas,
        Err(error) => {
            unasked(&mut checks, "sagas", error);
            return checks.into_all();
        }
    };
    let now = SystemClock.now();
    let older = |saga: &Saga, limit| {
        let limit = TimeDelta::from_std(limit).unwrap_or_default();
        now - saga.started_at > limit
    };
    let mut stuck = 0;
    for saga in &sagas.sagas {
        let name = format!("saga {}", line(&saga.id));
        let age = span(now - saga.started_at);
        let mut found = format!("{}, {age} old", saga.state.name());
        if let Some(reason) = &saga.failure_reason {
            found = format!("{found}: {}", line(reason));
        }
        let is = |status| saga.state == State::Known(status);
        if is(SagaStatus::Suspended) {
            checks.failed(
                name,
                found,
                "see shop saga show ID; fix the cause, then shop saga resume ID",
            );
        } else if is(SagaStatus::Compensating) && older(saga, LONG_COMPENSATION) {
            checks.warning(
                name,
                found,
                "look at the provider; it will be suspended when its tries end",
            );
        } else if older(saga, LONG_SAGA) {
            checks.warning(
                name,
                found,
                "see shop saga show ID; look at the provider that it waits for",
            );
        } else {
            continue;
        }
        stuck += 1;
    }
    if stuck == 0 {
        let more = if sagas.more { " or more" } else { "" };
        checks.ok(
            "sagas",
            format!("{}{more} open, none stuck", sagas.sagas.len()),
        );
    }
    checks.into_all()
}

/// The service could not be asked.
fn unasked(checks: &mut Checks, name: &str, error: CommandError) {
    let error = error.report(&format!("ask about {name}"));
    checks.unknown(name, error.to_string());
}
