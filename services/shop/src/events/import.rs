//! `shop events import`.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use event_sourcing::maintenance::LogRecord;
use event_sourcing::store::Entry;
use event_sourcing::verify::{LogChecks, LogVerifier, Report};
use event_sourcing::{Filter, LogId, Position};
use event_store_any::AnyEventStore;
use platform::StartError;
use serde::Serialize;

use super::file::{FileError, Header, Reader};
use super::verify;
use crate::event_log::{ReferenceChecks, event_types, open_for_import, unreadable};
use crate::terminal::{Output, bar, fields};

/// The events of one transaction, and the rest of their last commit.
const PAGE_EVENTS: usize = 1_000;
const MAX_SAMPLES: u64 = 20;

/// What was imported.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ImportResult {
    log: String,
    /// Events of the file that the store had before.
    present: u64,
    imported: u64,
    head: u64,
}

pub async fn run(arguments: &ArgMatches) -> Result<(), StartError> {
    let Some(path) = arguments.get_one::<PathBuf>("file") else {
        unreachable!("it is required");
    };
    let output = Output::of(arguments);
    let opened = open_for_import(arguments).await?;
    let imported = import(&opened, path, output).await;
    opened.close().await;
    output.write(&imported?, |imported| {
        let text = fields(&[
            ("Log", imported.log.clone()),
            ("Present", imported.present.to_string()),
            ("Imported", imported.imported.to_string()),
            ("Head", imported.head.to_string()),
        ]);
        text.trim_end().to_owned()
    });
    Ok(())
}

fn failed(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StartError {
    StartError::failed("import events", why)
}

/// Reads the file twice: nothing is written before all of it is verified.
async fn import(
    opened: &AnyEventStore,
    path: &Path,
    output: Output,
) -> Result<ImportResult, StartError> {
    let (_, header) = open(path)?;
    let head = opened.store().identify(&[]).await.map_err(unreadable)?.head;
    let head_position = head.position.0;
    let log = LogId(header.log);
    if head_position > 0 && head.log != log {
        let why = format!(
            "the store holds the log {}, the file is of the log {log}",
            head.log
        );
        return Err(failed(why));
    }
    if header.first > head_position + 1 {
        let why = format!(
            "the file starts at position {}, the store ends at {head_position}",
            header.first
        );
        return Err(failed(why));
    }
    check_file(opened, path, &header, output).await?;
    let (reader, _) = open(path)?;
    let mut pages = Pages {
        reader,
        head: head_position,
        next: None,
    };
    let bar = bar("events imported", header.events());
    let database = opened.maintenance();
    let (mut present, mut imported) = (0, 0);
    loop {
        let page = pages.next_page()?;
        let Some(first) = page.first() else { break };
        let before = Position(first.position.0 - 1);
        if first.position.0 <= head_position {
            compare(opened, before, &page).await?;
            present += page.len() as u64;
        } else {
            let written = database.import_records(log, before, &page).await;
            written.map_err(failed)?.map_err(failed)?;
            imported += page.len() as u64;
        }
        bar.inc(page.len() as u64);
    }
    bar.finish_and_clear();
    let head = opened.store().head().await.map_err(unreadable)?;
    Ok(ImportResult {
        log: log.to_string(),
        present,
        imported,
        head: head.0,
    })
}

fn open(path: &Path) -> Result<(Reader<BufReader<File>>, Header), StartError> {
    let named = |error: FileError| StartError::failed(format!("read {}", path.display()), error);
    let file = File::open(path).map_err(|error| named(error.into()))?;
    Reader::start(BufReader::new(file)).map_err(named)
}

/// The pages of a file. A page is either all up to the store's head or all after it, and ends with a commit: also an
/// interrupted import leaves whole commits.
struct Pages {
    reader: Reader<BufReader<File>>,
    head: u64,
    /// The first record of the next page.
    next: Option<LogRecord>,
}

impl Pages {
    fn next_page(&mut self) -> Result<Vec<LogRecord>, StartError> {
        let mut page: Vec<LogRecord> = self.next.take().into_iter().collect();
        while let Some(record) = self.reader.next_record().map_err(failed)? {
            let is_full = page.len() >= PAGE_EVENTS && record.command_id.is_some();
            let is_first_new = record.position.0 == self.head + 1;
            if !page.is_empty() && (is_full || is_first_new) {
                self.next = Some(record);
                break;
            }
            page.push(record);
        }
        Ok(page)
    }
}

/// Verifies the file by the rules of `shop events verify`, after the events of the store that it continues.
async fn check_file(
    opened: &AnyEventStore,
    path: &Path,
    header: &Header,
    output: Output,
) -> Result<(), StartError> {
    let types = event_types();
    let report = Report::new(LogId(header.log), MAX_SAMPLES);
    let mut verifier = LogVerifier::new(&types, report);
    let mut checks = ReferenceChecks::default();
    let mut observe = |verifier: &mut LogVerifier<'_>, entry: &Entry| {
        verifier.observe(entry);
        if let Some(event) = entry.event() {
            checks.observe(event, verifier.report());
        }
    };
    let log = opened.store();
    let mut after = Position::START;
    while after.0 + 1 < header.first {
        let page = log.read_all(after, &Filter::ALL, PAGE_EVENTS).await;
        let page = page.map_err(unreadable)?;
        let entries = page.entries.iter();
        for entry in entries.filter(|entry| entry.position().0 < header.first) {
            observe(&mut verifier, entry);
        }
        after = page.read_up_to;
    }
    let bar = bar("events verified", header.events());
    let (mut reader, _) = open(path)?;
    while let Some(record) = reader.next_record().map_err(failed)? {
        observe(&mut verifier, &Entry::from(record.envelope()));
        bar.inc(1);
    }
    bar.finish_and_clear();
    let last = verifier.last();
    if last.0 != header.last {
        let why = format!(
            "its header names position {}, it ends at {last}",
            header.last
        );
        return Err(failed(why));
    }
    checks.finish(verifier.report());
    let report = verifier.finish(Position(header.last));
    if report.is_whole() {
        return Ok(());
    }
    output.write(&report, verify::text);
    Err(failed("the file is damaged; nothing was written"))
}

/// Fails unless the store has these events.
async fn compare(
    opened: &AnyEventStore,
    after: Position,
    page: &[LogRecord],
) -> Result<(), StartError> {
    let stored = opened.maintenance().read_records(after, page.len()).await;
    let stored = stored.map_err(unreadable)?;
    for (index, record) in page.iter().enumerate() {
        if !stored
            .get(index)
            .is_some_and(|stored| stored.is_same_event(record))
        {
            let why = format!(
                "the store has another event at position {}",
                record.position
            );
            return Err(failed(why));
        }
    }
    Ok(())
}
