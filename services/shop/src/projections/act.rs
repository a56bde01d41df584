//! `shop projections resume` and `skip`: the decisions of an operator.

use clap::ArgMatches;
use contract::proto::admin_client::AdminClient;
use contract::proto::{ProjectionActionResult, ResumeProjectionParam, SkipProjectionEventParam};
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

/// Resumes the projection at its parked event.
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
    report(arguments, reply, projection.name, None)
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
    report(arguments, reply, projection.name, Some(position))
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
    projection: String,
    position: Option<i64>,
) -> Result<(), CommandError> {
    reject_error(reply.error)?;
    let done = DecisionReply {
        projection,
        act: position.map_or("resume", |_| "skip"),
        position,
        unchanged: reply.unchanged,
    };
    Output::of(arguments).write(&done, text);
    Ok(())
}

fn text(done: &DecisionReply) -> String {
    let name = line(&done.projection);
    let what = match (done.position, done.unchanged) {
        (_, true) => "This event was skipped before, so nothing was written.".to_owned(),
        (Some(position), false) => format!("{name} skips event {position}."),
        (None, false) => format!("{name} retries its event, in every database where it is parked."),
    };
    format!("{what}\nSee the result: shop projections show {name}")
}
