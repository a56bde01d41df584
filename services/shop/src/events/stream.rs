//! `shop events stream`.

use clap::ArgMatches;
use event_sourcing::{StreamId, Version};
use platform::StartError;

use crate::event_log::{event_line, events_of_stream, open_for_reading, unreadable};
use crate::terminal::Output;

pub async fn run(arguments: &ArgMatches) -> Result<(), StartError> {
    let Some(stream) = arguments.get_one::<StreamId>("stream") else {
        unreachable!("it is required");
    };
    let opened = open_for_reading(arguments).await?;
    let events = events_of_stream(opened.store().as_ref(), stream, Version::NONE).await;
    opened.close().await;
    let events = events.map_err(unreadable)?;
    if events.is_empty() {
        let why = "it has no events";
        return Err(StartError::failed(format!("show stream {stream}"), why));
    }
    let output = Output::of(arguments);
    for event in &events {
        output.write(event, event_line);
    }
    Ok(())
}
