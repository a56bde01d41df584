//! The file of an export: a header, one record a line, and a trailer with their number and checksum, so that a file
//! that was cut or changed is detected.

use std::io::{self, BufRead, Write};

use bytes::Bytes;
use event_sourcing::maintenance::LogRecord;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

const FORMAT: &str = "shop-events";
const VERSION: u32 = 1;
/// The maximum length of a line: an event's data, escaped, and the rest.
const MAX_LINE_BYTES: u64 = 4 * 1024 * 1024;

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Header {
    format: String,
    version: u32,
    /// The id of the log.
    pub log: Uuid,
    /// The first position.
    pub first: u64,
    /// The last position.
    pub last: u64,
}

impl Header {
    pub fn new(log: Uuid, first: u64, last: u64) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            log,
            first,
            last,
        }
    }

    /// The number of events that the file should have.
    pub fn events(&self) -> u64 {
        (self.last + 1).saturating_sub(self.first)
    }

    fn is_valid(&self) -> bool {
        // Positions are stored as signed numbers.
        self.format == FORMAT
            && self.version == VERSION
            && self.first > 0
            && i64::try_from(self.last).is_ok_and(|last| last < i64::MAX)
    }
}

/// The last line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Trailer {
    events: u64,
    /// SHA-256 of all lines before, with their line ends.
    sha256: String,
}

/// Why a file is no export.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("the file cannot be read")]
    Io(#[from] io::Error),
    #[error("line {line}: {source}")]
    Json {
        line: u64,
        source: serde_json::Error,
    },
    #[error("line 1: it is no export of this format: {found}")]
    Format { found: String },
    #[error("line {line}: it is longer than {MAX_LINE_BYTES} bytes")]
    TooLong { line: u64 },
    #[error("the file ends after line {line}, without its trailer: it was cut")]
    Cut { line: u64 },
    #[error("the trailer counts {expected} events, the file has {found}")]
    Count { expected: u64, found: u64 },
    #[error("the checksum differs: the file was changed")]
    Checksum,
    #[error("line {line}: there is more after the trailer")]
    Trailing { line: u64 },
}

fn hex(hash: &Sha256) -> String {
    format!("{:x}", Bytes::copy_from_slice(&hash.clone().finalize()))
}

/// Writes an export.
#[derive(Debug)]
pub struct Writer<W> {
    inner: W,
    hash: Sha256,
    events: u64,
}

impl<W: Write> Writer<W> {
    pub fn start(inner: W, header: &Header) -> io::Result<Self> {
        let mut writer = Self {
            inner,
            hash: Sha256::new(),
            events: 0,
        };
        writer.line(header)?;
        Ok(writer)
    }

    pub fn write(&mut self, record: &LogRecord) -> io::Result<()> {
        self.events += 1;
        self.line(record)
    }

    /// Writes the trailer.
    pub fn finish(mut self) -> io::Result<W> {
        let trailer = Trailer {
            events: self.events,
            sha256: hex(&self.hash),
        };
        self.line(&trailer)?;
        self.inner.flush()?;
        Ok(self.inner)
    }

    fn line(&mut self, value: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(value)?;
        line.push(b'\n');
        self.hash.update(&line);
        self.inner.write_all(&line)
    }
}

/// Reads an export.
#[derive(Debug)]
pub struct Reader<R> {
    inner: R,
    hash: Sha256,
    line: u64,
    events: u64,
    is_finished: bool,
}

impl<R: BufRead> Reader<R> {
    pub fn start(inner: R) -> Result<(Self, Header), FileError> {
        let mut reader = Self {
            inner,
            hash: Sha256::new(),
            line: 0,
            events: 0,
            is_finished: false,
        };
        let line = reader.next_line()?.ok_or(FileError::Cut { line: 0 })?;
        let found = || FileError::Format {
            found: String::from_utf8_lossy(&line).chars().take(80).collect(),
        };
        let header: Header = serde_json::from_slice(&line).map_err(|_| found())?;
        if !header.is_valid() {
            return Err(found());
        }
        reader.hash.update(&line);
        Ok((reader, header))
    }

    /// The next record; none after the last one, once the trailer has been checked.
    pub fn next_record(&mut self) -> Result<Option<LogRecord>, FileError> {
        if self.is_finished {
            return Ok(None);
        }
        let cut = FileError::Cut { line: self.line };
        let line = self.next_line()?.ok_or(cut)?;
        if let Ok(trailer) = serde_json::from_slice::<Trailer>(&line) {
            return self.finish(&trailer);
        }
        let record = serde_json::from_slice(&line).map_err(|source| {
            // A line without its end is the last one of a file that was cut.
            if line.ends_with(b"\n") {
                FileError::Json {
                    line: self.line,
                    source,
                }
            } else {
                FileError::Cut { line: self.line }
            }
        })?;
        self.hash.update(&line);
        self.events += 1;
        Ok(Some(record))
    }

    fn finish(&mut self, trailer: &Trailer) -> Result<Option<LogRecord>, FileError> {
        if trailer.events != self.events {
            return Err(FileError::Count {
                expected: trailer.events,
                found: self.events,
            });
        }
        if trailer.sha256 != hex(&self.hash) {
            return Err(FileError::Checksum);
        }
        if self.next_line()?.is_some() {
            return Err(FileError::Trailing { line: self.line });
        }
        self.is_finished = true;
        Ok(None)
    }

    fn next_line(&mut self) -> Result<Option<Vec<u8>>, FileError> {
        let mut line = Vec::new();
        let mut limited = io::Read::take(&mut self.inner, MAX_LINE_BYTES + 1);
        limited.read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(None);
        }
        self.line += 1;
        if line.len() as u64 > MAX_LINE_BYTES {
            return Err(FileError::TooLong { line: self.line });
        }
        Ok(Some(line))
    }
}
