//! `shop handlers show`.

use clap::ArgMatches;
use contract::proto::ShowEventHandlerParam;
use contract::proto::event_handlers_client::EventHandlersClient;
use serde::Serialize;
use tonic::Request;

use super::model::{Decision, EventHandler, ParkedStream};
use crate::remote::{CommandError, write_side};
use crate::terminal::{Output, fields, line, stamp};

/// An event handler with its parked streams and the decisions about it.
#[derive(Debug, Serialize)]
struct HandlerDetails {
    #[serde(flatten)]
    handler: EventHandler,
    parked: Vec<ParkedStream>,
    decisions: Vec<Decision>,
}

pub async fn run(arguments: &ArgMatches) -> Result<(), CommandError> {
    let name = arguments.get_one::<String>("name").cloned();
    let name = name.unwrap_or_default();
    let shown = write_side(arguments, EventHandlersClient::new)?
        .call(
            || Request::new(ShowEventHandlerParam { name: name.clone() }),
            async |mut client, request| client.show_event_handler(request).await,
        )
        .await?;
    let shown = HandlerDetails {
        handler: shown.event_handler.unwrap_or_default().into(),
        parked: shown.parked.into_iter().map(ParkedStream::from).collect(),
        decisions: shown.decisions.into_iter().map(Decision::from).collect(),
    };
    Output::of(arguments).write(&shown, text);
    Ok(())
}

fn text(shown: &HandlerDetails) -> String {
    let handler = &shown.handler;
    let mut all = vec![
        ("Handler", handler.name.clone()),
        ("State", handler.state.to_owned()),
        (
            "Position",
            format!(
                "{} of {}, lags behind by {}",
                handler.position, handler.head, handler.lag
            ),
        ),
        ("Parked streams", handler.parked_streams.to_string()),
        ("Retrying", handler.retrying.to_string()),
    ];
    if let Some(failure) = &handler.failure {
        all.push(("Why", line(failure)));
    }
    let parked: String = shown.parked.iter().map(parked).collect();
    let decisions: String = shown.decisions.iter().map(report).collect();
    let parts = [fields(&all), parked, decisions];
    let parts = parts.iter().map(|part| part.trim_end());
    let parts: Vec<_> = parts.filter(|part| !part.is_empty()).collect();
    parts.join("\n\n")
}

fn parked(parked: &ParkedStream) -> String {
    format!(
        "{}  {} at {} ({}, version {}): {}\n",
        stamp(parked.parked_at),
        line(&parked.stream),
        parked.position,
        line(&parked.event_type),
        parked.version,
        line(&parked.reason)
    )
}

fn report(decision: &Decision) -> String {
    let stream = decision.stream.as_deref().map(line).unwrap_or_default();
    let what = match (decision.action.as_str(), decision.skipped_position) {
        (_, Some(position)) => format!("event {position} of {stream} skipped"),
        ("pause", None) => "paused".to_owned(),
        _ if stream.is_empty() => "resumed".to_owned(),
        _ => format!("{stream} resumed"),
    };
    let (at, who, reason) = (
        stamp(decision.at),
        line(&decision.who),
        line(&decision.reason),
    );
    format!("{at}  {what} by {who}: {reason}\n")
}
