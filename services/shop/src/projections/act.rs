//! `shop projections pause`, `resume` and `skip`: the decisions of an operator.

use clap::ArgMatches;
use contract::proto::admin_client::AdminClient;
use contract::proto::{
    PauseProjectionParam, ProjectionActionResult, ResumeProjectionParam, SkipProjectionEventParam,
};
use platform::runtime::GrpcChannel;
use serde::Serialize;
use tonic::{Request, Response, Status};

use super::show::read;
use crate::remote::{CommandError, command, reject_error, write_side};
use crate::terminal::{Output, actor, line, new_id};

type Client = AdminClient<GrpcChannel>;

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
    let projection = read(arguments).await?.projection;
    let (who, reason) = actor(arguments);
    let param = PauseProjectionParam {
        projection: projection.name.clone(),
        who: who.clone(),
        reason,
    };
    let send = async |mut client: Client, request| client.pause_projection(request).await;
    let reply = decide(arguments, &param, &who, send).await?;
    report(arguments, reply, (projection.name, "pause"), None)
}

/// Ends a pause, and retries the event at which the projection is parked.
pub async fn resume(arguments: &ArgMatches) -> Result<(), CommandError> {
    let projection = read(arguments).await?.projection;
    let (who, reason) = actor(arguments);
    let param = ResumeProjectionParam {
        projection: projection.name.clone(),
        who: who.clone(),
        reason,
    };
    let send = async |mut client: Client, request| client.resume_projection(request).await;
    let reply = decide(arguments, &param, &who, send).await?;
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
        who: who.clone(),
        reason,
    };
    let send = async |mut client: Client, request| client.skip_projection_event(request).await;
    let reply = decide(arguments, &param, &who, send).await?;
    report(arguments, reply, (projection.name, "skip"), Some(position))
}

/// Has the write side record a decision. It does not know the projections and accepts any name, so the callers read the projection
/// first, which catches a misspelt one.
async fn decide<M: Clone>(
    arguments: &ArgMatches,
    param: &M,
    who: &str,
    send: impl AsyncFn(Client, Request<M>) -> Result<Response<ProjectionActionResult>, Status>,
) -> Result<ProjectionActionResult, CommandError> {
    let command_id = new_id();
    let make = || command(param.clone(), command_id, who);
    write_side(arguments, AdminClient::new)?
        .call(make, send)
        .await
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
