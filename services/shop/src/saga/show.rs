//! `shop saga show`.

use chrono::{DateTime, Utc};
use clap::ArgMatches;
use contract::business::ErrorType;
use contract::proto::ShowSagaParam;
use contract::proto::saga_command_client::SagaCommandClient;
use event_sourcing::{Clock, SystemClock};
use platform::runtime::GrpcChannel;
use sagas::SagaStatus;
use serde::Serialize;
use tonic::Request;

use super::model::{Event, Saga, State};
use super::timeline::timeline;
use crate::remote::{CommandError, Service, reject_error, write_side};
use crate::terminal::{Output, fields, line, span, stamp};

/// A saga with all its events.
#[derive(Debug, Serialize)]
struct SagaTimeline {
    #[serde(flatten)]
    saga: Saga,
    events: Vec<Event>,
}

type WriteSide = Service<SagaCommandClient<GrpcChannel>>;

pub async fn run(arguments: &ArgMatches) -> Result<(), CommandError> {
    let id = arguments.get_one::<String>("id").cloned();
    let id = id.unwrap_or_default();
    // Tried as a saga's id first, then as an order's: both are opaque, so nothing but a lookup can tell which it is.
    let service = write_side(arguments, SagaCommandClient::new)?;
    let by_saga = ShowSagaParam {
        saga_id: id.clone(),
        ..ShowSagaParam::default()
    };
    let story = match read(&service, by_saga).await {
        Err(CommandError::Rejected { error_type, .. })
            if error_type == ErrorType::NotFound.name() =>
        {
            let by_order = ShowSagaParam {
                order_id: id.clone(),
                ..ShowSagaParam::default()
            };
            read(&service, by_order)
                .await
                .map_err(|error| neither_saga_nor_order(error, &id))?
        }
        other => other?,
    };
    Output::of(arguments).write(&story, |story| text(story, SystemClock.now()));
    Ok(())
}

fn neither_saga_nor_order(error: CommandError, id: &str) -> CommandError {
    match error {
        CommandError::Rejected { error_type, .. } if error_type == ErrorType::NotFound.name() => {
            CommandError::Rejected {
                message: format!("there is neither a saga nor an order {id}"),
                error_type,
            }
        }
        other => other,
    }
}

/// Reads the whole timeline, page by page.
async fn read(service: &WriteSide, mut param: ShowSagaParam) -> Result<SagaTimeline, CommandError> {
    let mut events: Vec<Event> = Vec::new();
    loop {
        let page = service
            .call(
                || Request::new(param.clone()),
                async |mut client, request| client.show_saga(request).await,
            )
            .await?;
        reject_error(page.error)?;
        events.extend(page.events.into_iter().map(Event::from));
        let saga = Saga::from(page.saga.unwrap_or_default());
        match events.last() {
            Some(last) if page.more => param.after_version = last.version,
            _ => return Ok(SagaTimeline { saga, events }),
        }
        // Later pages ask by saga id, because the order may get a newer saga between two pages.
        (param.saga_id, param.order_id) = (saga.id, String::new());
    }
}

fn text(story: &SagaTimeline, now: DateTime<Utc>) -> String {
    let SagaTimeline { saga, events } = story;
    let header = fields(&header(saga, now));
    let timeline = timeline(events);
    let advice = match saga.unsupported_definition() {
        Some(version) => Some(advice_on_unsupported(version)),
        None => (saga.state == State::Known(SagaStatus::Suspended)).then(|| advice(saga)),
    };
    format!("{header}\n{timeline}{}", advice.unwrap_or_default())
        .trim_end()
        .to_owned()
}

fn header(saga: &Saga, now: DateTime<Utc>) -> Vec<(&'static str, String)> {
    let progress = saga.progress.as_ref();
    let definition = progress.map_or(0, |known| known.definition);
    let started = stamp(saga.started_at);
    let started = match saga.completed_at {
        Some(_) => started,
        None => format!("{started}, {} ago", span(saga.took(now))),
    };
    let ended = saga.completed_at.map(stamp);
    let ended = ended.map(|at| format!("{at}, after {}", span(saga.took(now))));
    let ahead = |at: Option<DateTime<Utc>>| at.map(|at| format!("in {}", span(at - now)));
    let steps = |steps: &[String]| (!steps.is_empty()).then(|| steps.join(", "));
    let all = [
        ("Saga", Some(saga.id.clone())),
        (
            "Type",
            Some(format!("{}, definition {definition}", saga.kind)),
        ),
        ("Order", Some(saga.order_id.clone())),
        ("State", Some(status_text(saga))),
        ("Why", saga.failure_reason.clone()),
        ("Started", Some(started)),
        ("Ended", ended),
        ("Next try", ahead(progress.and_then(|known| known.retry_at))),
        ("Gives up", ahead(progress.and_then(|known| known.deadline))),
        ("Done", steps(&saga.completed_steps)),
        ("Undone", steps(&saga.compensated_steps)),
    ];
    all.into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

/// The status, the current step and the number of tries.
pub(super) fn status_text(saga: &Saga) -> String {
    let at = saga.current_step.as_deref();
    let at = at.map(|step| format!(" at {}", line(step)));
    let tried = match saga.progress.as_ref().map(|known| known.attempts) {
        None | Some(0) => String::new(),
        Some(1) => ", tried once".to_owned(),
        Some(tries) => format!(", tried {tries} times"),
    };
    format!("{}{}{tried}", saga.state_text(), at.unwrap_or_default())
}

fn advice_on_unsupported(version: i32) -> String {
    format!(
        "
This service does not drive it. A command-service with definition version {version} does, once it owns the saga's partition.
"
    )
}

fn advice(saga: &Saga) -> String {
    let id = line(&saga.id);
    format!(
        "
It stays suspended until an operator acts.
  The cause is fixed:                shop saga resume {id} --reason REASON
  The step was done manually:        shop saga resolve {id} --reason REASON
  Everything was settled manually:   shop saga resolve {id} --close --reason REASON
"
    )
}
