//! Configuration: variables, flags and settings files of the real binaries, which must not start.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::process::Stdio;

use anyhow::{Context, Result};
use test_shop::{Binaries, Folder};
use tokio::process::Command;

use super::run::check;
use super::table::{Answer, EntryPoint};
use super::text::Names;
use super::wire::Parts;
use crate::support::binaries;

pub const CONFIG: EntryPoint = EntryPoint {
    name: "configuration",
    files: &[
        include_str!("cases/config/values.toml"),
        include_str!("cases/config/sources.toml"),
    ],
};

/// Runs a binary as the table has it: its name and flags, variables, and after an empty line the file of `--config`.
async fn send(binaries: &Binaries, request: &[u8]) -> Result<Answer> {
    let folder = Folder::create()?;
    let parts = Parts::of(request);
    let mut words = parts.first.split(|byte| *byte == b' ').map(<[u8]>::to_vec);
    let binary = String::from_utf8(words.next().context("no binary")?)?;
    let mut command = Command::new(binaries.path(&binary)?);
    command
        .args(words.map(OsString::from_vec))
        .env_clear()
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true);
    for line in &parts.headers {
        let equals = line.iter().position(|byte| *byte == b'=');
        let (name, value) = line.split_at(equals.context("no variable")?);
        let [name, value] = [name, &value[1..]].map(|part| OsString::from_vec(part.to_vec()));
        command.env(name, value);
    }
    if !parts.body.is_empty() {
        let file = folder.path().join("settings.toml");
        std::fs::write(&file, parts.body)?;
        command.args(["--config", "settings.toml"]);
    }
    let output = command.output().await?;
    let code = output.status.code().context("it was killed")?;
    let lines = String::from_utf8(output.stderr)?;
    let message = lines.lines().collect::<Vec<_>>().join(" / ");
    Ok(Answer::new(format!("exit {code}"), message))
}

#[tokio::test]
async fn bad_settings_are_rejected_as_the_tables_say() -> Result<()> {
    let (cases, binaries) = (CONFIG.cases()?, binaries().await?);
    check(&cases, &Names::default(), &async |request: Vec<u8>| {
        send(binaries, &request).await
    })
    .await
}
