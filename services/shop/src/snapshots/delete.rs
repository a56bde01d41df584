//! `shop snapshots delete`.

use clap::ArgMatches;
use platform::StartError;
use serde::Serialize;

use super::select::selection;
use crate::event_log::open_for_writing;
use crate::terminal::Output;

#[derive(Clone, Copy, Debug, Serialize)]
struct Deleted {
    deleted: u64,
}

pub async fn run(arguments: &ArgMatches) -> Result<(), StartError> {
    let opened = open_for_writing(arguments).await?;
    let deleted = opened
        .maintenance()
        .remove_snapshots(&selection(arguments))
        .await;
    opened.close().await;
    let deleted = deleted.map_err(|error| StartError::failed("delete the snapshots", error))?;
    Output::of(arguments).write(&Deleted { deleted }, |Deleted { deleted }| match deleted {
        1 => "1 snapshot was deleted.".to_owned(),
        _ => format!("{deleted} snapshots were deleted."),
    });
    Ok(())
}
