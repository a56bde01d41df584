//! `shop projections pause`, `resume` and `skip`: the decisions of an operator.

use clap::ArgMatches;
use contract::proto::admin_client::AdminClient;
use contract::proto::{
    PauseProjectionParam, ProjectionActionResult, ResumeProjectionParam, SkipProjectionEventParam,
};
use serde::Serialize;

use super::show::read;
use crate::remote::{CommandError, command, reject_error, write_side};
use crate::terminal::{Output, actor, line, new_id};

/// A decision that was recorded in the log.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct DecisionReply {
    projection: String,
    act: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<i64>,
    /// The decision is in the log already, so nothing was written.
    unchanged: bool,
}

/// Pauses the projection.
pub async fn pause(arguments: &ArgMatches) -> Result<(), CommandError> {
    // Read first, as in `resume`.
    let projection = read(arguments).await?.projection;
    let (who, reason) = actor(arguments);
    let param = PauseProjectionParam {
        projection: projection.name.clone(),
        who,
        reason,
    };
    let command_id = new_id();
    let reply = write_side(arguments, AdminClient::new)?
        .call(
            || command(param.clone(), command_id, &param.who),
            async |mut client, request| client.pause_projection(request).await,
        )
        .await?;
    report(arguments, reply, (projection.name, "pause"), None)
}

/// Ends a pause, and retries the event at which the projection is parked.
pub async fn resume(arguments: &ArgMatches) -> Result<(), CommandError> {
    // Read first: the write side does not know the projections and accepts any name, so a misspelt one is caught here.
    let projection = read(arguments).await?.projection;
    let (who, reason) = actor(arguments);
    let param = ResumeProjectionParam {
        projection: projection.name.clone(),
        who,
        reason,
    };
    let command_id = new_id();
    let reply = write_side(arguments, AdminClient::new)?
        .call(
            || command(param.clone(), command_id, &param.who),
            async |mut client, request| client.resume_projection(request).await,
        )
        .await?;
    report(arguments, reply, (projection.name, "resume"), None)
}

/// Skips the event at which the projection is parked.
pub async fn skip(arguments: &ArgMatches) -> Result<(), CommandError> {
    let position = arguments.get_one::<i64>("position").copied();
    let position = position.unwrap_or_default();
    let projection = read(arguments).await?.projection;
    let parked_at = projection.parked.as_ref().map(|event| event.position);
    if parked_at != Some(position) {
        return Err(not_parked_there(&projection.name, parked_at, position));
    }
    let (who, reason) = actor(arguments);
    let param = SkipProjectionEventParam {
        projection: projection.name.clone(),
        position,
        who,
        reason,
    };
    let command_id = new_id();
    let reply = write_side(arguments, AdminClient::new)?
        .call(
            || command(param.clone(), command_id, &param.who),
            async |mut client, request| client.skip_projection_event(request).await,
        )
        .await?;
    report(arguments, reply, (projection.name, "skip"), Some(position))
}

/// Only the event at which the projection is parked can be skipped, so that none is skipped by a misread position.
fn not_parked_there(name: &str, parked_at: Option<i64>, position: i64) -> CommandError {
    let name = line(name);
    let message = match parked_at {
        Some(parked_at) => format!("{name} is parked at {parked_at}, not at {position}"),
        None => format!("{name} is not parked"),
    };
    CommandError::Rejected {
        message,
        error_type: "CONFLICT".to_owned(),
    }
}

fn report(
    arguments: &ArgMatches,
    reply: ProjectionActionResult,
    (projection, act): (String, &'static str),
    position: Option<i64>,
) -> Result<(), CommandError> {
    reject_error(reply.error)?;
    let done = DecisionReply {
        projection,
        act,
        position,
        unchanged: reply.unchanged,
    };
    Output::of(arguments).write(&done, text);
    Ok(())
}

fn text(done: &DecisionReply) -> String {
    let name = line(&done.projection);
    let what = match (done.act, done.position) {
        ("pause", _) if done.unchanged => {
            "It was paused before, so nothing was written.".to_owned()
        }
        _ if done.unchanged => "This event was skipped before, so nothing was written.".to_owned(),
        ("pause", _) => format!("{name} is paused until it is resumed, in every database."),
        (_, Some(position)) => format!("{name} skips event {position}."),
        _ => format!(
            "{name} resumes if it is paused, and retries its event, in every database where it is parked."
        ),
    };
    format!("{what}\nSee the result: shop projections show {name}")
}
