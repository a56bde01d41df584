//! The control file, which the test writes and the process under test maps: it selects the calls that fail and counts
//! those that have failed.

use std::fs::{File, OpenOptions, Permissions};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use tempfile::NamedTempFile;

use crate::shim;

pub const NO_SPACE: i32 = 28;
pub const IO_ERROR: i32 = 5;

const CONTROL: &str = "TEST_FAULTS_CONTROL";
const PRELOAD: &str = "LD_PRELOAD";
const WRITE_ERRNO: u64 = 0;
const SYNC_ERRNO: u64 = 4;
const LEFT: u64 = 8;
const CLOCK_OFFSET: u64 = 12;
const FAILED_WRITES: u64 = 16;
const FAILED_SYNCS: u64 = 24;
const PART: u64 = 32;
const PART_BYTES: usize = 256;
const BYTES: u64 = PART + PART_BYTES as u64;

/// A fault of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskFault {
    /// No space is left.
    Full,
    Unwritable,
    Unsynced,
}

impl DiskFault {
    pub const ALL: [Self; 3] = [Self::Full, Self::Unwritable, Self::Unsynced];

    /// Starts the fault for files whose paths contain `part`.
    ///
    /// # Errors
    /// The control file cannot be written.
    pub fn start(self, faults: &Faults, part: &Path) -> Result<()> {
        match self {
            Self::Full => faults.fail_writes(part, NO_SPACE),
            Self::Unwritable => faults.fail_writes(part, IO_ERROR),
            Self::Unsynced => faults.fail_syncs(part, IO_ERROR),
        }
    }
}

/// The numbers of failed calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FaultCounts {
    pub writes: i64,
    pub syncs: i64,
}

impl FaultCounts {
    #[must_use]
    pub fn all(self) -> i64 {
        self.writes + self.syncs
    }
}

/// Controls the disk and the clock of processes that were started with its variables.
#[derive(Clone, Debug)]
pub struct Faults {
    control: Arc<File>,
    path: String,
    library: String,
    /// The control file and the library, removed with the last clone if this process created them.
    _owned: Option<Arc<[NamedTempFile; 2]>>,
}

impl Faults {
    /// Creates the control of a disk without faults and a correct clock.
    ///
    /// # Errors
    /// The library cannot be built, or the temporary folder cannot be written.
    pub fn create() -> Result<Self> {
        // A PostgreSQL server runs as another user and must be able to write the file.
        let file = |suffix, mode| -> Result<(NamedTempFile, String)> {
            let mut builder = tempfile::Builder::new();
            let file = builder.prefix("test-faults-").suffix(suffix).tempfile()?;
            let permissions = Permissions::from_mode(mode);
            std::fs::set_permissions(file.path(), permissions)?;
            let path = file.path().to_str().context("a UTF-8 name")?.to_owned();
            Ok((file, path))
        };
        let (control, path) = file("", 0o666)?;
        control.as_file().set_len(BYTES)?;
        let (shim, library) = file(".so", 0o644)?;
        std::fs::write(shim.path(), std::fs::read(shim::build()?)?)?;
        Ok(Self {
            control: Arc::new(control.reopen()?),
            path,
            library,
            _owned: Some(Arc::new([control, shim])),
        })
    }

    /// The control of this process, if it was started with one.
    pub(crate) fn inherited() -> Option<Self> {
        let path = std::env::var(CONTROL).ok()?;
        let control = OpenOptions::new().read(true).write(true).open(&path).ok()?;
        Some(Self {
            control: Arc::new(control),
            path,
            library: std::env::var(PRELOAD).ok()?,
            _owned: None,
        })
    }

    /// The environment variables of a process to control.
    #[must_use]
    pub fn variables(&self) -> [(&'static str, String); 2] {
        [
            (PRELOAD, self.library.clone()),
            (CONTROL, self.path.clone()),
        ]
    }

    /// Lets writes fail with `errno` in files whose paths contain `part`.
    ///
    /// # Errors
    /// The control file cannot be written.
    pub fn fail_writes(&self, part: &Path, errno: i32) -> Result<()> {
        self.fail(WRITE_ERRNO, part, errno, -1)
    }

    /// Lets syncs fail with `errno` in files whose paths contain `part`.
    ///
    /// # Errors
    /// The control file cannot be written.
    pub fn fail_syncs(&self, part: &Path, errno: i32) -> Result<()> {
        self.fail(SYNC_ERRNO, part, errno, -1)
    }

    /// Lets the next `count` syncs fail with `errno` in files whose paths contain `part`.
    ///
    /// # Errors
    /// The control file cannot be written.
    pub fn fail_next_syncs(&self, count: i32, part: &Path, errno: i32) -> Result<()> {
        self.fail(SYNC_ERRNO, part, errno, count)
    }

    /// Sets the clock `offset_s` seconds ahead of the real time; back, if negative.
    ///
    /// # Errors
    /// The control file cannot be written.
    pub fn set_clock(&self, offset_s: i32) -> Result<()> {
        self.put(CLOCK_OFFSET, &offset_s.to_ne_bytes())
    }

    /// Lets all writes and syncs succeed again.
    ///
    /// # Errors
    /// The control file cannot be written.
    pub fn stop(&self) -> Result<()> {
        self.put(WRITE_ERRNO, &[0; 8])
    }

    /// Reads the numbers of failed calls.
    ///
    /// # Errors
    /// The control file cannot be read.
    pub fn fired(&self) -> Result<FaultCounts> {
        Ok(FaultCounts {
            writes: self.count(FAILED_WRITES)?,
            syncs: self.count(FAILED_SYNCS)?,
        })
    }

    fn fail(&self, kind: u64, part: &Path, errno: i32, left: i32) -> Result<()> {
        let name = part.to_str().context("a UTF-8 name")?.as_bytes();
        ensure!(name.len() < PART_BYTES, "the name is too long");
        self.stop()?;
        let mut bytes = [0; PART_BYTES];
        bytes[..name.len()].copy_from_slice(name);
        // The error number is written last: it enables the fault, so the other fields must be set before.
        self.put(PART, &bytes)?;
        self.put(LEFT, &left.to_ne_bytes())?;
        self.put(kind, &errno.to_ne_bytes())
    }

    fn put(&self, at: u64, bytes: &[u8]) -> Result<()> {
        let put = self.control.write_all_at(bytes, at);
        put.context("write the control file")
    }

    fn count(&self, at: u64) -> Result<i64> {
        let mut bytes = [0; 8];
        let read = self.control.read_exact_at(&mut bytes, at);
        read.context("read the control file")?;
        Ok(i64::from_ne_bytes(bytes))
    }
}
