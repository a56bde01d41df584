//! What is to fail, and what has failed: a small file that the test writes and the failing process maps.

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

/// What a disk does while it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskFault {
    /// There is no room.
    Full,
    Unwritable,
    Unsynced,
}

impl DiskFault {
    pub const ALL: [Self; 3] = [Self::Full, Self::Unwritable, Self::Unsynced];

    /// From now on this happens to files whose names have `part` in them.
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

/// How many calls have failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fired {
    pub writes: i64,
    pub syncs: i64,
}

impl Fired {
    #[must_use]
    pub fn all(self) -> i64 {
        self.writes + self.syncs
    }
}

/// The disk and the clock of processes that were started with its variables.
#[derive(Clone, Debug)]
pub struct Faults {
    control: Arc<File>,
    path: String,
    library: String,
    /// The control file and the library, removed with the last clone where this process made them.
    _owned: Option<Arc<[NamedTempFile; 2]>>,
}

impl Faults {
    /// A disk that works and a clock that is right, until told otherwise.
    ///
    /// # Errors
    /// The library cannot be built, or the temporary folder cannot be written.
    pub fn create() -> Result<Self> {
        // A server of PostgreSQL runs as another user.
        let file = |suffix, mode| -> Result<(NamedTempFile, String)> {
            let mut builder = tempfile::Builder::new();
            let file = builder.prefix("test-faults-").suffix(suffix).tempfile()?;
            let rights = Permissions::from_mode(mode);
            std::fs::set_permissions(file.path(), rights)?;
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

    /// That of this process, if it was started with one.
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

    /// The environment of a process that it is to concern.
    #[must_use]
    pub fn variables(&self) -> [(&'static str, String); 2] {
        [
            (PRELOAD, self.library.clone()),
            (CONTROL, self.path.clone()),
        ]
    }

    /// From now on writes fail with `errno` in files whose names have `part` in them.
    ///
    /// # Errors
    /// The control file cannot be written.
    pub fn fail_writes(&self, part: &Path, errno: i32) -> Result<()> {
        self.fail(WRITE_ERRNO, part, errno, -1)
    }

    /// From now on syncs fail with `errno` in files whose names have `part` in them.
    ///
    /// # Errors
    /// The control file cannot be written.
    pub fn fail_syncs(&self, part: &Path, errno: i32) -> Result<()> {
        self.fail(SYNC_ERRNO, part, errno, -1)
    }

    /// The next `count` syncs fail with `errno` in files whose names have `part` in them.
    ///
    /// # Errors
    /// The control file cannot be written.
    pub fn fail_next_syncs(&self, count: i32, part: &Path, errno: i32) -> Result<()> {
        self.fail(SYNC_ERRNO, part, errno, count)
    }

    /// From now on the clock shows a time that is so many seconds later than it is; earlier, if negative.
    ///
    /// # Errors
    /// The control file cannot be written.
    pub fn set_clock(&self, offset_s: i32) -> Result<()> {
        self.put(CLOCK_OFFSET, &offset_s.to_ne_bytes())
    }

    /// All writes and syncs succeed again.
    ///
    /// # Errors
    /// The control file cannot be written.
    pub fn stop(&self) -> Result<()> {
        self.put(WRITE_ERRNO, &[0; 8])
    }

    /// How many calls have failed so far.
    ///
    /// # Errors
    /// The control file cannot be read.
    pub fn fired(&self) -> Result<Fired> {
        Ok(Fired {
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
