//! `shop events export`.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::ArgMatches;
use event_sourcing::Position;
use event_store_any::AnyEventStore;
use indicatif::ProgressBar;
use platform::StartError;

use super::file::{Header, Writer};
use crate::event_log::{commit_of, open_for_reading, unreadable};
use crate::terminal::bar;

const PAGE_EVENTS: usize = 1_000;

pub async fn run(arguments: &ArgMatches) -> Result<(), StartError> {
    let after = arguments.get_one::<u64>("after").copied();
    let to = arguments.get_one::<u64>("to").copied();
    let path = arguments.get_one::<PathBuf>("file");
    let opened = open_for_reading(arguments).await?;
    let range = (after.unwrap_or_default(), to);
    let bar = bar("events", 0);
    let exported = match path {
        Some(path) => export_to_file(&opened, range, path, &bar).await,
        None => export(&opened, range, io::stdout().lock(), &bar)
            .await
            .map(|_| ()),
    };
    bar.finish_and_clear();
    opened.close().await;
    exported
}

/// Writes a new file. An existing one is not replaced.
async fn export_to_file(
    opened: &AnyEventStore,
    range: (u64, Option<u64>),
    path: &PathBuf,
    bar: &ProgressBar,
) -> Result<(), StartError> {
    let failed = |error| StartError::failed(format!("write {}", path.display()), error);
    let file = private_file(path).map_err(failed)?;
    let file = export(opened, range, BufWriter::new(file), bar).await?;
    let file = file
        .into_inner()
        .map_err(|error| failed(error.into_error()))?;
    file.sync_all().map_err(failed)
}

/// Events contain personal data, so only the owner may read the file.
fn private_file(path: &PathBuf) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = File::options();
    options.write(true).create_new(true).mode(0o600).open(path)
}

async fn export<W: Write>(
    opened: &AnyEventStore,
    (after, to): (u64, Option<u64>),
    output: W,
    bar: &ProgressBar,
) -> Result<W, StartError> {
    let failed = |error: io::Error| StartError::failed("write the export", error);
    let head = opened.store().identify(&[]).await.map_err(unreadable)?.head;
    let last = to.unwrap_or(head.position.0);
    if last > head.position.0 || after > last {
        let why = format!(
            "positions {} to {last} are not in the log, which ends at {}",
            after + 1,
            head.position
        );
        return Err(StartError::failed("export events", why));
    }
    let last = last_of_commit(opened, last).await?;
    bar.set_length(last.saturating_sub(after));
    let header = Header::new(head.log.0, after + 1, last);
    let mut writer = Writer::start(output, &header).map_err(failed)?;
    let database = opened.maintenance();
    let mut written = after;
    while written < last {
        let limit = usize::try_from(last - written).unwrap_or(PAGE_EVENTS);
        let page = database.read_records(Position(written), limit.min(PAGE_EVENTS));
        let page = page.await.map_err(unreadable)?;
        if page.is_empty() {
            break;
        }
        for record in page {
            if record.position.0 != written + 1 {
                let why = format!(
                    "there is no event at position {}; `shop events verify` lists all damage",
                    written + 1
                );
                return Err(StartError::failed("export events", why));
            }
            written = record.position.0;
            writer.write(&record).map_err(failed)?;
        }
        bar.set_position(written - after);
    }
    writer.finish().map_err(failed)
}

/// The last position of the commit at `position`: an export contains whole commits.
async fn last_of_commit(opened: &AnyEventStore, position: u64) -> Result<u64, StartError> {
    let commit = commit_of(opened.store().as_ref(), Position(position)).await;
    let commit = commit.map_err(unreadable)?;
    Ok(commit.keys().last().copied().unwrap_or(position))
}
