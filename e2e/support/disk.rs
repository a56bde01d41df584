//! A data folder on a disk that can be made full or failing.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use test_faults::{DiskFault, Faults};
use test_shop::Folder;

use super::expect::report;

/// The size of the small file system; a run writes a quarter of it.
const SIZE: &str = "size=256m";
/// The file that fills the file system.
const FILLER: &str = "filler";
/// Unmounts the small file system when the test ends, also if it is killed, and before its folder is removed.
const WATCHDOG: &str = r#"trap "" HUP INT TERM; read -r _; umount -l "$1" 2>/dev/null"#;

/// The data folder, and the means to make its disk fail.
#[derive(Debug)]
pub struct Disk {
    data: PathBuf,
    faults: Faults,
    /// The mounted file system, if mounting is allowed; then the disk is really full.
    mounted: Option<Mount>,
    _folder: Folder,
}

#[derive(Debug)]
struct Mount {
    at: PathBuf,
    watchdog: Child,
}

impl Disk {
    /// A disk that can be filled: a small file system if mounting is allowed, else one with injected write errors.
    pub fn small() -> Result<Self> {
        let mut disk = Self::create()?;
        disk.mounted = Mount::try_new(&disk.data)?;
        report(match disk.mounted {
            Some(_) => "the disk is a small file system of its own",
            None => "no file system can be mounted here: writes fail as on a full disk",
        });
        Ok(disk)
    }

    /// A disk with injected errors of writes and syncs.
    pub fn create() -> Result<Self> {
        let folder = Folder::create()?;
        let data = folder.path().join("data");
        std::fs::create_dir(&data)?;
        Ok(Self {
            data,
            faults: Faults::create()?,
            mounted: None,
            _folder: folder,
        })
    }

    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The environment of the process that uses the disk.
    pub fn variables(&self) -> [(&'static str, String); 2] {
        self.faults.variables()
    }

    /// Injects a fault until [`Self::mend`] is called.
    pub fn fail(&self, fault: DiskFault) -> Result<()> {
        match (fault, &self.mounted) {
            (DiskFault::Full, Some(mount)) => fill(&mount.at.join(FILLER)),
            _ => fault.start(&self.faults, &self.data),
        }
    }

    pub fn mend(&self) -> Result<()> {
        self.faults.stop()?;
        if let Some(mount) = &self.mounted
            && let Err(error) = std::fs::remove_file(mount.at.join(FILLER))
            && error.kind() != ErrorKind::NotFound
        {
            bail!("cannot make room: {error}");
        }
        Ok(())
    }

    /// The number of failed writes and syncs.
    pub fn failures(&self) -> Result<i64> {
        Ok(self.faults.fired()?.all())
    }
}

impl Mount {
    /// `None` if mounting is not allowed here.
    fn try_new(at: &Path) -> Result<Option<Self>> {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", SIZE, "tmpfs"])
            .arg(at)
            .stderr(Stdio::null())
            .status();
        if !mounted.is_ok_and(|status| status.success()) {
            return Ok(None);
        }
        let watchdog = Command::new("sh")
            .args(["-c", WATCHDOG, "sh"])
            .arg(at)
            .stdin(Stdio::piped())
            .spawn()
            .context("cannot start sh")?;
        Ok(Some(Self {
            at: at.to_owned(),
            watchdog,
        }))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // The shell unmounts at the end of its input.
        drop(self.watchdog.stdin.take());
        let _ = self.watchdog.wait();
    }
}

/// Writes until the file system is full.
fn fill(path: &Path) -> Result<()> {
    let mut file: File = OpenOptions::new().create(true).append(true).open(path)?;
    for block in [vec![0; 1 << 20], vec![0; 1 << 12], vec![0]] {
        loop {
            match file.write(&block) {
                Ok(written) if written > 0 => {}
                Ok(_) => break,
                Err(error) if error.kind() == ErrorKind::StorageFull => break,
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(())
}
