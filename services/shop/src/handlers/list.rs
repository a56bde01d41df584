//! `shop handlers list`.

use clap::ArgMatches;
use contract::proto::ListEventHandlersParam;
use contract::proto::event_handlers_client::EventHandlersClient;
use tonic::Request;

use super::model::EventHandler;
use crate::remote::{CommandError, write_side};
use crate::terminal::{Output, line, table};

pub async fn run(arguments: &ArgMatches) -> Result<(), CommandError> {
    let handlers = list_handlers(arguments).await?;
    Output::of(arguments).write_all(&handlers, text);
    Ok(())
}

/// All event handlers of the command-service that answers.
pub async fn list_handlers(arguments: &ArgMatches) -> Result<Vec<EventHandler>, CommandError> {
    let list = write_side(arguments, EventHandlersClient::new)?
        .call(
            || Request::new(ListEventHandlersParam {}),
            async |mut client, request| client.list_event_handlers(request).await,
        )
        .await?;
    let handlers = list.event_handlers.into_iter();
    Ok(handlers.map(EventHandler::from).collect())
}

fn text(handlers: &[EventHandler]) -> String {
    let headings = [
        "HANDLER", "STATE", "POSITION", "LAG", "PARKED", "RETRYING", "REASON",
    ];
    let rows: Vec<_> = handlers.iter().map(row).collect();
    table(headings, &rows)
}

fn row(handler: &EventHandler) -> [String; 7] {
    [
        line(&handler.name),
        handler.state.to_owned(),
        handler.position.to_string(),
        handler.lag.to_string(),
        handler.parked_streams.to_string(),
        handler.retrying.to_string(),
        line(handler.failure.as_deref().unwrap_or_default()),
    ]
}
