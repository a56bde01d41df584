//! Checks the disks that SQLite files are on.

use std::path::PathBuf;

use platform::config::{DatabaseUrl, Engine};
use rustix::fs::statvfs;
use sql_database::sqlite::FileOptions;

use super::check::{Check, Checks};
use crate::terminal::size;

/// With less, a burst of writes or a long backup may fill the disk.
const LOW_BYTES: u64 = 1_000_000_000;
/// With less, SQLite may soon fail to write.
const FULL_BYTES: u64 = 100_000_000;

pub fn check(databases: &[&DatabaseUrl]) -> Vec<Check> {
    let mut checks = Checks::of("disk");
    let files = databases
        .iter()
        .filter(|url| url.engine() == Engine::Sqlite);
    let folders = files.map(|url| {
        let path = FileOptions::path_of(url.as_str());
        crate::backup::folder_of(&path).to_owned()
    });
    let mut folders: Vec<PathBuf> = folders.collect();
    folders.sort();
    folders.dedup();
    for folder in folders {
        let name = format!("free space in {}", folder.display());
        let action =
            "make room; a backup needs as much as the databases, and writes fail when it is full";
        match statvfs(&folder) {
            Ok(disk) => {
                let free = disk.f_bavail.saturating_mul(disk.f_frsize);
                let found = size(free);
                match free {
                    ..FULL_BYTES => checks.failed(name, found, action),
                    FULL_BYTES..LOW_BYTES => checks.warning(name, found, action),
                    LOW_BYTES.. => checks.ok(name, found),
                }
            }
            Err(error) => checks.unknown(name, error.to_string()),
        }
    }
    checks.into_all()
}
