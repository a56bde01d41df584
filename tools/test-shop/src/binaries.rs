//! Builds the binaries with the profile and the target folder of the calling program.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// The paths of the built binaries.
#[derive(Clone, Debug)]
pub struct Binaries(BTreeMap<String, PathBuf>);

impl Binaries {
    /// Builds them with cargo, which does nothing if they are up to date.
    ///
    /// # Errors
    /// If cargo is missing or the build fails.
    pub fn build() -> Result<Self> {
        let own = env::current_exe().context("cannot find the path of this program")?;
        let (target, profile) = place_of(&own).context("this program was not built by cargo")?;
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
            // The default members: the services. Their third-party crates have the same features as with `cargo test`,
            // which `cargo xtask check features` verifies, so that none is built a second time.
            .args(["build", "--bins"])
            .arg("--message-format=json-render-diagnostics")
            .args(["--profile", profile])
            .arg("--target-dir")
            .arg(target)
            .stderr(Stdio::inherit());
        // Variables that cargo sets for the test's package. Build scripts that read them, such as ring's, would run
        // again, and all crates that depend on theirs would be rebuilt.
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
                command.env_remove(&name);
            }
        }
        let output = command.output().context("cannot run cargo build")?;
        if !output.status.success() {
            bail!("cargo build of the services failed");
        }
        Ok(Self(executables(&String::from_utf8_lossy(&output.stdout))))
    }

    /// The path of a binary.
    ///
    /// # Errors
    /// If cargo did not build it.
    pub fn path(&self, name: &str) -> Result<&Path> {
        self.0
            .get(name)
            .map(PathBuf::as_path)
            .with_context(|| format!("cargo built no binary {name}"))
    }
}

/// The target folder and the profile of a program at `TARGET/PROFILE/program` or `TARGET/PROFILE/deps/program`.
fn place_of(program: &Path) -> Option<(&Path, &str)> {
    let mut folder = program.parent()?;
    if folder.ends_with("deps") {
        folder = folder.parent()?;
    }
    let profile = match folder.file_name()?.to_str()? {
        "debug" => "dev",
        other => other,
    };
    Some((folder.parent()?, profile))
}

/// The binaries in cargo's messages, which are JSON objects, one on each line.
fn executables(messages: &str) -> BTreeMap<String, PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|message| {
            let path = message.get("executable")?.as_str()?.to_owned();
            let name = message.get("target")?.get("name")?.as_str()?.to_owned();
            Some((name, PathBuf::from(path)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profile_and_target_folder_are_those_of_the_program() {
        let of = |path| place_of(Path::new(path));
        assert_eq!(of("/t/debug/deps/e2e-1"), Some((Path::new("/t"), "dev")));
        assert_eq!(of("/t/release/benches"), Some((Path::new("/t"), "release")));
    }

    #[test]
    fn paths_are_read_from_the_messages() {
        let messages = "\
{\"reason\":\"compiler-artifact\",\"target\":{\"name\":\"lib\"},\"executable\":null}
{\"reason\":\"compiler-artifact\",\"target\":{\"name\":\"shop\"},\"executable\":\"/t/debug/shop\"}
";
        let found = executables(messages);
        assert_eq!(found.len(), 1);
        assert_eq!(found["shop"], PathBuf::from("/t/debug/shop"));
    }
}
