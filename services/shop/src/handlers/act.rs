//! `shop handlers pause`, `resume` and `skip`: the decisions of an operator.

use clap::ArgMatches;
use contract::proto::event_handlers_client::EventHandlersClient;
use contract::proto::{
    EventHandlerActionResult, PauseEventHandlerParam, ResumeEventHandlerParam,
    SkipHandledEventParam,
};
use platform::runtime::GrpcChannel;
use serde::Serialize;
use tonic::{Request, Response, Status};

use crate::remote::{CommandError, command, reject_error, write_side};
use crate::terminal::{Output, actor, line, new_id, text_of};

type Client = EventHandlersClient<GrpcChannel>;

/// A decision that was recorded in the log.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct DecisionReply {
    handler: String,
    act: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<i64>,
    /// The decision is in the log already, so nothing was written.
    unchanged: bool,
}

pub async fn pause(arguments: &ArgMatches) -> Result<(), CommandError> {
    let (who, reason) = actor(arguments);
    let name = text_of(arguments, "name");
    let param = PauseEventHandlerParam { name, who, reason };
    decide(arguments, "pause", &param, async |mut client, request| {
        client.pause_event_handler(request).await
    })
    .await
}

/// Resumes the handler, or one of its parked streams.
pub async fn resume(arguments: &ArgMatches) -> Result<(), CommandError> {
    let (who, reason) = actor(arguments);
    let param = ResumeEventHandlerParam {
        name: text_of(arguments, "name"),
        stream: stream(arguments),
        who,
        reason,
    };
    decide(arguments, "resume", &param, async |mut client, request| {
        client.resume_event_handler(request).await
    })
    .await
}

/// Skips the event at which a stream is parked.
pub async fn skip(arguments: &ArgMatches) -> Result<(), CommandError> {
    let (who, reason) = actor(arguments);
    let param = SkipHandledEventParam {
        name: text_of(arguments, "name"),
        stream: stream(arguments).unwrap_or_default(),
        position: position(arguments).unwrap_or_default(),
        who,
        reason,
    };
    decide(arguments, "skip", &param, async |mut client, request| {
        client.skip_handled_event(request).await
    })
    .await
}

/// Sends a decision, under the same command id in each try so that it takes effect once, and prints the result.
async fn decide<P: Clone>(
    arguments: &ArgMatches,
    act: &'static str,
    param: &P,
    send: impl AsyncFn(Client, Request<P>) -> Result<Response<EventHandlerActionResult>, Status>,
) -> Result<(), CommandError> {
    let (who, _) = actor(arguments);
    let command_id = new_id();
    let request = || command(param.clone(), command_id, &who);
    let reply = write_side(arguments, EventHandlersClient::new)?
        .call(request, send)
        .await?;
    report(arguments, act, reply)
}

/// The stream argument, which `pause` does not have.
fn stream(arguments: &ArgMatches) -> Option<String> {
    let given = arguments.try_get_one::<String>("stream").ok().flatten();
    given.cloned()
}

fn position(arguments: &ArgMatches) -> Option<i64> {
    let given = arguments.try_get_one::<i64>("position").ok().flatten();
    given.copied()
}

fn report(
    arguments: &ArgMatches,
    act: &'static str,
    reply: EventHandlerActionResult,
) -> Result<(), CommandError> {
    reject_error(reply.error)?;
    let done = DecisionReply {
        handler: text_of(arguments, "name"),
        act,
        stream: stream(arguments),
        position: position(arguments),
        unchanged: reply.unchanged,
    };
    Output::of(arguments).write(&done, text);
    Ok(())
}

fn text(done: &DecisionReply) -> String {
    let (name, stream) = (line(&done.handler), done.stream.as_deref().map(line));
    let what = match (done.act, done.position, stream) {
        _ if done.unchanged => "This was decided before, so nothing was written.".to_owned(),
        ("pause", ..) => format!("{name} is paused until it is resumed."),
        (_, Some(position), Some(stream)) => {
            format!("Event {position} of {stream} is skipped, and the stream resumes after it.")
        }
        (_, _, Some(stream)) => format!("{stream} is retried."),
        _ => format!("{name} is resumed, and all its parked streams are retried."),
    };
    format!("{what}\nSee the result: shop handlers show {name}")
}
