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
use crate::saga::{Saga, list_open};
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
        "paused" => checks.warning(
            name,
            at,
            "an operator paused it; shop projections resume NAME",
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
    if let Err(error) = stuck_sagas(&mut checks, arguments).await {
        unasked(&mut checks, "sagas", error);
    }
    checks.into_all()
}

/// Asks for each kind of stuck sagas apart: a list of all that are open begins with the latest, and has an end.
async fn stuck_sagas(checks: &mut Checks, arguments: &ArgMatches) -> Result<(), CommandError> {
    let age = |limit| TimeDelta::from_std(limit).ok();
    let suspended = list_open(arguments, &[SagaStatus::Suspended], None).await?;
    let compensating = [SagaStatus::Compensating];
    let compensating = list_open(arguments, &compensating, age(LONG_COMPENSATION)).await?;
    let others = [SagaStatus::Started, SagaStatus::Running];
    let others = list_open(arguments, &others, age(LONG_SAGA)).await?;
    for saga in &suspended.sagas {
        let action = "see shop saga show ID; fix the cause, then shop saga resume ID";
        checks.failed(name_of(saga), found(saga), action);
    }
    for saga in &compensating.sagas {
        let action = "look at the provider; it will be suspended when its tries end";
        checks.warning(name_of(saga), found(saga), action);
    }
    for saga in &others.sagas {
        let action = "see shop saga show ID; look at the provider that it waits for";
        checks.warning(name_of(saga), found(saga), action);
    }
    let lists = [&suspended, &compensating, &others];
    if lists.iter().any(|list| list.more) {
        checks.warning("more sagas", "there are more", "list them: shop saga list");
    }
    if lists.iter().all(|list| list.sagas.is_empty()) {
        let open = list_open(arguments, &[], None).await?;
        let more = if open.more { " or more" } else { "" };
        let count = open.sagas.len();
        checks.ok("sagas", format!("{count}{more} open, none stuck"));
    }
    Ok(())
}

fn name_of(saga: &Saga) -> String {
    format!("saga {}", line(&saga.id))
}

fn found(saga: &Saga) -> String {
    let age = span(SystemClock.now() - saga.started_at);
    let found = format!("{}, {age} old", saga.state.name());
    match &saga.failure_reason {
        Some(reason) => format!("{found}: {}", line(reason)),
        None => found,
    }
}

/// The service could not be asked.
fn unasked(checks: &mut Checks, name: &str, error: CommandError) {
    let error = error.report(&format!("ask about {name}"));
    checks.unknown(name, error.to_string());
}

#[cfg(test)]
mod tests {
    use super::{Checks, Projection, projection};
    use crate::doctor::check::Status;

    #[test]
    fn a_projection_that_is_not_folded_is_not_ok() {
        for (state, expected) in [
            ("following", Status::Ok),
            ("waiting", Status::Ok),
            ("building", Status::Warning),
            ("paused", Status::Warning),
            ("parked", Status::Failed),
            ("failing", Status::Failed),
        ] {
            let mut checks = Checks::of("projections");
            let shown = Projection {
                name: "products".to_owned(),
                schema_version: 1,
                generation: 1,
                state,
                position: 7,
                head: 7,
                lag: 0,
                parked: None,
                failure: None,
                rebuild: None,
            };
            projection(&mut checks, &shown);
            let all = checks.into_all();
            assert_eq!(all[0].status, expected, "{state}");
        }
    }
}
