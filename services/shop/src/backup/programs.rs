//! Finds and runs PostgreSQL's own programs.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where distributions install each version: a folder of folders, and the place of the programs in those.
const INSTALLED: [(&str, &str); 2] = [("/usr/lib/postgresql", "bin"), ("/usr", "bin")];

/// What the environment of this process may state about a connection: a password that the URL does not have.
const KEPT: [&str; 2] = ["PGPASSWORD", "PGPASSFILE"];

/// Why a program cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    #[error(
        "{name} is not in PATH: install the client programs of PostgreSQL {server} or newer, or name their folder with --pg-bin"
    )]
    Missing { name: &'static str, server: u32 },
    #[error(
        "{name} of PostgreSQL {server} or newer is needed, the one found is {found}: install it, or name its folder with --pg-bin"
    )]
    TooOld {
        name: &'static str,
        server: u32,
        found: u32,
    },
    #[error("cannot run {name}")]
    Run {
        name: String,
        #[source]
        source: io::Error,
    },
    #[error("{name} failed: {output}")]
    Failed { name: &'static str, output: String },
}

/// A program of PostgreSQL.
#[derive(Clone, Debug)]
pub struct Program {
    name: &'static str,
    path: PathBuf,
}

impl Program {
    /// Finds the program whose version is the server's, else the next newer one: an older `pg_dump` rejects the server, and a newer
    /// `pg_restore` may use settings that the server does not know.
    ///
    /// # Errors
    /// There is none, or only older ones.
    pub async fn find(
        name: &'static str,
        server: u32,
        folder: Option<PathBuf>,
    ) -> Result<Self, ProgramError> {
        let found = tokio::task::spawn_blocking(move || {
            let folders = folder.map_or_else(folders, |folder| vec![folder]);
            let paths = folders.into_iter().map(|folder| folder.join(name));
            let versions = paths.filter_map(|path| Some((version_of(&path)?, path)));
            versions.collect::<Vec<_>>()
        });
        let found = found.await.unwrap_or_default();
        let newest = found.iter().map(|(version, _)| *version).max();
        let fit = found.into_iter().filter(|(version, _)| *version >= server);
        // The first of those with the same version.
        match (fit.min_by_key(|(version, _)| *version), newest) {
            (Some((_, path)), _) => Ok(Self { name, path }),
            (None, Some(found)) => Err(ProgramError::TooOld {
                name,
                server,
                found,
            }),
            (None, None) => Err(ProgramError::Missing { name, server }),
        }
    }

    /// Runs it to its end, and returns what it wrote to standard output.
    ///
    /// # Errors
    /// It cannot be run, or failed.
    pub async fn run(
        &self,
        arguments: Vec<OsString>,
        environment: Vec<(&'static str, OsString)>,
    ) -> Result<String, ProgramError> {
        let Self { name, path } = self.clone();
        let mut command = Command::new(&path);
        // A variable of libpq, such as PGSERVICE or PGHOSTADDR, would lead it to another server than the URL.
        let of_libpq = std::env::vars_os().map(|(name, _)| name);
        for name in of_libpq.filter(|name| name.as_encoded_bytes().starts_with(b"PG")) {
            if !KEPT.iter().any(|kept| name == *kept) {
                command.env_remove(name);
            }
        }
        command
            .args(arguments)
            .envs(environment)
            .stdin(Stdio::null());
        let failed = |source| ProgramError::Run {
            name: path.display().to_string(),
            source,
        };
        let output = tokio::task::spawn_blocking(move || command.output()).await;
        let output = output
            .unwrap_or_else(|error| Err(io::Error::other(error)))
            .map_err(failed)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let text = String::from_utf8_lossy(&output.stderr);
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let output = if text.trim().is_empty() {
            output.status.to_string()
        } else {
            lines.join(" / ")
        };
        Err(ProgramError::Failed { name, output })
    }
}

/// The folders of `PATH`, then those of installed versions.
fn folders() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    for (parent, below) in INSTALLED {
        let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
        folders.extend(entries.map(|entry| entry.path().join(below)));
    }
    folders.retain(|folder| folder.is_absolute());
    folders
}

/// The major version of the program at `path`; `None` if there is none.
fn version_of(path: &Path) -> Option<u32> {
    if !path.is_file() {
        return None;
    }
    let output = Command::new(path)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .ok()?;
    major_version(&String::from_utf8_lossy(&output.stdout))
}

/// The number in `pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
fn major_version(text: &str) -> Option<u32> {
    let (_, version) = text.split_once("(PostgreSQL) ")?;
    let digits = version.bytes().take_while(u8::is_ascii_digit).count();
    version[..digits].parse().ok()
}

/// An argument `--name=value`, whose value need not be UTF-8.
pub fn option(name: &str, value: impl AsRef<OsStr>) -> OsString {
    let mut option = OsString::from(format!("--{name}="));
    option.push(value);
    option
}

/// A pattern that matches this schema and no other.
pub fn schema_pattern(schema: &str) -> String {
    format!("\"{}\"", schema.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::{major_version, schema_pattern};

    #[test]
    fn the_major_version_is_read_from_the_programs_text() {
        let debian = "pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n";
        assert_eq!(major_version(debian), Some(15));
        assert_eq!(major_version("pg_restore (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major_version("something else 15"), None);
    }

    #[test]
    fn a_schema_is_matched_literally() {
        assert_eq!(schema_pattern("shop*a"), "\"shop*a\"");
        assert_eq!(schema_pattern("a\"b"), "\"a\"\"b\"");
    }
}
