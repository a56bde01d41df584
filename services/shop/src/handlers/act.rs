//! `shop handlers pause`, `resume` and `skip`: what an operator decides.

use clap::ArgMatches;
use contract::proto::event_handlers_client::EventHandlersClient;
use contract::proto::{
    EventHandlerActionResult, PauseEventHandlerParam, ResumeEventHandlerParam,
    SkipHandledEventParam,
};
use serde::Serialize;

use crate::remote::{Failed, command, refused, write_side};
use crate::terminal::{Output, line, new_id};

/// A decision that is in the log now.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Done {
    handler: String,
    act: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<i64>,
    /// It was decided before, so nothing was written.
    unchanged: bool,
}

/// Has the handler stand still.
pub async fn pause(arguments: &ArgMatches) -> Result<(), Failed> {
    let param = PauseEventHandlerParam {
        name: text_of(arguments, "name"),
        who: text_of(arguments, "who"),
        reason: text_of(arguments, "reason"),
    };
    let command_id = new_id();
    let reply = write_side(arguments, EventHandlersClient::new)?
        .call(
            || command(param.clone(), command_id, &param.who),
            async |mut client, request| client.pause_event_handler(request).await,
        )
        .await?;
    told(arguments, "pause", reply)
}

/// Has the handler, or one of its parked streams, try again.
pub async fn resume(arguments: &ArgMatches) -> Result<(), Failed> {
    let param = ResumeEventHandlerParam {
        name: text_of(arguments, "name"),
        stream: arguments.get_one::<String>("stream").cloned(),
        who: text_of(arguments, "who"),
        reason: text_of(arguments, "reason"),
    };
    let command_id = new_id();
    let reply = write_side(arguments, EventHandlersClient::new)?
        .call(
            || command(param.clone(), command_id, &param.who),
            async |mut client, request| client.resume_event_handler(request).await,
        )
        .await?;
    told(arguments, "resume", reply)
}

/// Leaves the event out at which a stream is parked.
pub async fn skip(arguments: &ArgMatches) -> Result<(), Failed> {
    let param = SkipHandledEventParam {
        name: text_of(arguments, "name"),
        stream: text_of(arguments, "stream"),
        position: position(arguments).unwrap_or_default(),
        who: text_of(arguments, "who"),
        reason: text_of(arguments, "reason"),
    };
    let command_id = new_id();
    let reply = write_side(arguments, EventHandlersClient::new)?
        .call(
            || command(param.clone(), command_id, &param.who),
            async |mut client, request| client.skip_handled_event(request).await,
        )
        .await?;
    told(arguments, "skip", reply)
}

fn text_of(arguments: &ArgMatches, name: &str) -> String {
    let text = arguments.get_one::<String>(name).cloned();
    text.unwrap_or_default()
}

fn position(arguments: &ArgMatches) -> Option<i64> {
    let given = arguments.try_get_one::<i64>("position").ok().flatten();
    given.copied()
}

fn told(
    arguments: &ArgMatches,
    act: &'static str,
    reply: EventHandlerActionResult,
) -> Result<(), Failed> {
    refused(reply.error)?;
    let stream = arguments.try_get_one::<String>("stream").ok().flatten();
    let done = Done {
        handler: text_of(arguments, "name"),
        act,
        stream: stream.cloned(),
        position: position(arguments),
        unchanged: reply.unchanged,
    };
    Output::of(arguments).write(&done, text);
    Ok(())
}

fn text(done: &Done) -> String {
    let (name, stream) = (line(&done.handler), done.stream.as_deref().map(line));
    let what = match (done.act, done.position, stream) {
        _ if done.unchanged => "It was decided before, so nothing was written.".to_owned(),
        ("pause", ..) => format!("{name} stands still until it is resumed."),
        (_, Some(position), Some(stream)) => {
            format!("Event {position} of {stream} is left out, and the stream resumes after it.")
        }
        (_, _, Some(stream)) => format!("{stream} tries again."),
        _ => format!("{name} works, and all its parked streams try again."),
    };
    format!("{what}\nSee what comes of it: shop handlers show {name}")
}
