//! Finds the programs of an installed PostgreSQL.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Folders with a folder for each version, and the place of the programs in it.
const INSTALLED: [(&str, &str); 5] = [
    ("/usr/lib/postgresql", "bin"),
    ("/usr", "bin"),
    ("/usr/local", "bin"),
    ("/opt/homebrew/opt", "bin"),
    ("/usr/local/opt", "bin"),
];

/// The variable with the folder of the programs to use, such as those of another version.
const FOLDER: &str = "TEST_POSTGRES_BIN";

/// The folder with `initdb`, `pg_ctl` and `postgres`: of [`FOLDER`], from `PATH`, from `pg_config`, or of the newest
/// installation.
pub(crate) fn folder() -> PathBuf {
    if let Some(chosen) = std::env::var_os(FOLDER) {
        let chosen = PathBuf::from(chosen);
        assert!(
            is_complete(&chosen),
            "{FOLDER} must be a folder with initdb, pg_ctl and postgres, got {}",
            chosen.display()
        );
        return chosen;
    }
    from_path()
        .or_else(from_pg_config)
        .or_else(newest_installed)
        .unwrap_or_else(|| {
            panic!(
                "these tests need PostgreSQL 14 or newer: install its server programs (Debian, Ubuntu: \
                 `apt-get install postgresql`; Fedora: `dnf install postgresql-server`; macOS: `brew install \
                 postgresql@17`), or set TEST_POSTGRES_URL to a server where a database can be created, such as \
                 postgres://user:password@localhost:5432/postgres"
            )
        })
}

fn is_complete(folder: &Path) -> bool {
    ["initdb", "pg_ctl", "postgres"]
        .iter()
        .all(|program| folder.join(program).is_file())
}

fn from_path() -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).find(|folder| is_complete(folder))
}

fn from_pg_config() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    let folder = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    is_complete(&folder).then_some(folder)
}

fn newest_installed() -> Option<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = INSTALLED
        .iter()
        .filter_map(|(parent, below)| Some((std::fs::read_dir(parent).ok()?, below)))
        .flat_map(|(entries, below)| {
            entries
                .flatten()
                .map(move |entry| (major_version(&entry.file_name()), entry.path().join(below)))
        })
        .filter(|(_, folder)| is_complete(folder))
        .collect();
    found.sort();
    found.pop().map(|(_, folder)| folder)
}

/// The number in `15`, `pgsql-15` or `postgresql@15`.
fn major_version(name: &std::ffi::OsStr) -> u32 {
    name.to_string_lossy()
        .chars()
        .filter(char::is_ascii_digit)
        .collect::<String>()
        .parse()
        .unwrap_or(0)
}
