//! Versions below which a crate has a hole that would matter here.

use anyhow::{Result, bail};

use crate::repository::Repository;

/// Crate, lowest version, and what the older ones have.
const FLOORS: [(&str, &str, &str); 7] = [
    ("bytes", "1.11.1", "an overflow in BytesMut::reserve"),
    ("h2", "0.4.16", "floods of frames and resets"),
    (
        "libsqlite3-sys",
        "0.37.0",
        "SQLite before 3.51.3 can corrupt its WAL",
    ),
    ("rustls", "0.23.18", "a panic that a client can cause"),
    (
        "rustls-webpki",
        "0.103.13",
        "name and revocation checks that miss",
    ),
    ("time", "0.3.47", "a stack overflow while parsing"),
    (
        "tracing-subscriber",
        "0.3.20",
        "escape codes written to the terminal",
    ),
];

/// The entries of `Cargo.lock` that are below their floor.
pub fn problems(repository: &Repository) -> Result<Vec<String>> {
    below(&repository.read("Cargo.lock")?)
}

fn below(lock: &str) -> Result<Vec<String>> {
    let packages = packages(lock);
    if packages.is_empty() {
        bail!("Cargo.lock names no packages");
    }
    let mut found = Vec::new();
    for (name, version) in packages {
        for (floored, floor, reason) in FLOORS {
            if name == floored && parse(version)? < parse(floor)? {
                found.push(format!("{name} {version} is below {floor}: {reason}"));
            }
        }
    }
    Ok(found)
}

/// Name and version of each `[[package]]`. Cargo writes both on lines of their own, name first.
fn packages(lock: &str) -> Vec<(&str, &str)> {
    let mut name = None;
    let mut found = Vec::new();
    for line in lock.lines() {
        if let Some(value) = value_of(line, "name") {
            name = Some(value);
        } else if let (Some(value), Some(of)) = (value_of(line, "version"), name.take()) {
            found.push((of, value));
        }
    }
    found
}

fn value_of<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    line.strip_prefix(key)?
        .trim_start()
        .strip_prefix('=')?
        .trim()
        .strip_prefix('"')?
        .strip_suffix('"')
}

/// The three numbers, and whether it is a release: a pre-release is lower than the release it leads to.
fn parse(version: &str) -> Result<([u64; 3], bool)> {
    let without_build = version.split('+').next().unwrap_or(version);
    let (numbers, pre_release) = match without_build.split_once('-') {
        Some((numbers, _)) => (numbers, true),
        None => (without_build, false),
    };
    let parts: Vec<u64> = numbers
        .split('.')
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    let Ok(parts) = <[u64; 3]>::try_from(parts) else {
        bail!("{version:?} is not a version of three numbers");
    };
    Ok((parts, !pre_release))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(name: &str, version: &str) -> String {
        format!("version = 4\n\n[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n")
    }

    #[test]
    fn an_old_version_is_found() {
        assert_eq!(below(&lock("h2", "0.4.15")).unwrap().len(), 1);
        assert_eq!(below(&lock("h2", "0.3.99")).unwrap().len(), 1);
        assert_eq!(below(&lock("bytes", "1.9.9")).unwrap().len(), 1);
        assert_eq!(below(&lock("time", "0.3.47-rc.1")).unwrap().len(), 1);
    }

    #[test]
    fn the_floor_and_what_is_above_are_good() {
        for version in ["0.4.16", "0.4.17+x", "0.5.0", "1.0.0"] {
            assert!(below(&lock("h2", version)).unwrap().is_empty());
        }
        assert!(below(&lock("other", "0.0.1")).unwrap().is_empty());
    }

    #[test]
    fn a_lock_file_without_packages_is_an_error() {
        assert!(below("version = 4\n").is_err());
        assert!(below(&lock("h2", "new")).is_err());
    }
}
