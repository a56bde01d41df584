//! The commands in the READMEs produce the output that is shown.
//!
//! Each `sh` block that is followed by an output block (`json` or `text`) is run, all of a page in one shell, against a
//! fresh shop. The output must equal the page's, except for ids, times and rates. `UPDATE_GOLDEN=1` updates the page.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use test_shop::Store;
use tokio::process::Command;

use crate::support::{Topology, binaries, is_time, is_uuid, on, words};

/// The addresses and the commands in the page, which are replaced by those of the test.
const PAGE_URL: &str = "http://127.0.0.1:4000";
const PAGE_METRICS: &str = "http://127.0.0.1:4000/metrics";
const PAGE_SEED: &str = "target/release/shop seed";
const PAGE_EVENTS: &str = "target/release/shop events";
/// Separates the outputs of two blocks.
const MARK: &str = "@@ end of block @@";

#[tokio::test]
async fn the_tour_of_the_readme_shows_the_real_output() -> Result<()> {
    tour("README.md").await
}

#[tokio::test]
async fn the_tour_of_the_japanese_readme_shows_the_real_output() -> Result<()> {
    tour("README.ja.md").await
}

async fn tour(page: &str) -> Result<()> {
    let path = path_of(page);
    let text = std::fs::read_to_string(&path).with_context(|| format!("read {page}"))?;
    let steps = steps(&text);
    let outputs = on_fresh_shop(&steps).await?;
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        return update(&path, &text, &steps, &outputs);
    }
    compare(page, &steps, &outputs)
}

/// Runs the tour of a page against a shop without data, and compares the outputs with those that the page shows.
pub async fn tour_of(page: &str, shop: &ShopAddress) -> Result<()> {
    let text = std::fs::read_to_string(path_of(page)).with_context(|| format!("read {page}"))?;
    let steps = steps(&text);
    compare(page, &steps, &shop.run(&steps).await?)
}

fn path_of(page: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(page)
}

fn compare(page: &str, steps: &[Step<'_>], outputs: &[String]) -> Result<()> {
    ensure!(steps.len() >= 5, "{page} has only {} steps", steps.len());
    let (shown, actual): (Vec<_>, Vec<_>) = (
        steps.iter().map(|step| step.output).collect(),
        outputs.iter().map(String::as_str).collect(),
    );
    let (shown, actual) = (redacted(&shown), redacted(&actual));
    for (step, (shown, actual)) in steps.iter().zip(shown.iter().zip(&actual)) {
        ensure!(
            shown == actual,
            "{page} shows a different output for:\n{}\nshown:\n{shown}\nactual:\n{actual}",
            step.commands
        );
    }
    Ok(())
}

/// Commands of a page, and the output that it shows.
struct Step<'a> {
    commands: &'a str,
    output: &'a str,
}

fn steps(page: &str) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    let mut commands = None;
    // Every second part is inside a fence and starts with its language.
    for block in page.split("```").skip(1).step_by(2) {
        let (language, body) = block.split_once('\n').unwrap_or((block, ""));
        match (language, commands.take()) {
            ("sh", _) => commands = Some(body),
            ("json" | "text", Some(commands)) => steps.push(Step {
                commands,
                output: body,
            }),
            _ => {}
        }
    }
    steps
}

/// How the commands of a page reach a shop.
#[derive(Debug)]
pub struct ShopAddress {
    /// The gateway.
    pub url: String,
    /// The endpoint with the metrics of the event store.
    pub metrics: String,
    /// The program `shop` with the subcommand and the flags in place of `target/release/shop seed`.
    pub seed: String,
    /// The same for `target/release/shop events`.
    pub events: String,
}

impl ShopAddress {
    /// Runs the steps in one shell; returns the output of each, with the page's address in place of the real one.
    async fn run(&self, steps: &[Step<'_>]) -> Result<Vec<String>> {
        let blocks: Vec<_> = steps.iter().map(|step| step.commands).collect();
        let script = blocks.join(&format!("echo '{MARK}'\n")) + &format!("echo '{MARK}'\n");
        let script = script
            .replace(PAGE_SEED, &self.seed)
            .replace(PAGE_EVENTS, &self.events)
            .replace(PAGE_METRICS, &self.metrics)
            .replace(PAGE_URL, &self.url);
        let ran = Command::new("sh").arg("-c").arg(script).output().await;
        let ran = ran.context("run the tour with sh")?;
        let printed = String::from_utf8(ran.stdout)?.replace(&self.url, PAGE_URL);
        let outputs: Vec<_> = printed
            .split_terminator(&format!("{MARK}\n"))
            .map(str::to_owned)
            .collect();
        ensure!(
            ran.status.success() && outputs.len() == steps.len(),
            "the tour ended early (it needs sh and curl): {}\n{printed}\n{}",
            ran.status,
            String::from_utf8_lossy(&ran.stderr)
        );
        Ok(outputs)
    }
}

async fn on_fresh_shop(steps: &[Step<'_>]) -> Result<Vec<String>> {
    let mut outputs = Vec::new();
    let binary = binaries().await?.path("shop")?.display();
    on(Topology::OneProcess, async |shop| {
        let gateway = shop.system.gateway(0)?;
        let Store::Sqlite { folder } = shop.system.store() else {
            bail!("one process has its data in a folder");
        };
        let address = ShopAddress {
            url: format!("http://{gateway}"),
            metrics: format!("http://{gateway}/metrics"),
            seed: format!("{binary} seed --client-service-port {}", gateway.port()),
            events: format!("{binary} events --data-dir {folder}"),
        };
        outputs = address.run(steps).await?;
        Ok(())
    })
    .await?;
    Ok(outputs)
}

fn update(path: &Path, page: &str, steps: &[Step<'_>], outputs: &[String]) -> Result<()> {
    let mut new = String::new();
    let mut rest = page;
    for (step, output) in steps.iter().zip(outputs) {
        let begin = step.output.as_ptr().addr() - rest.as_ptr().addr();
        new.push_str(&rest[..begin]);
        new.push_str(output);
        rest = &rest[begin + step.output.len()..];
    }
    new.push_str(rest);
    Ok(std::fs::write(path, new)?)
}

/// The outputs with ids replaced by numbers, and without times and rates.
fn redacted(outputs: &[&str]) -> Vec<String> {
    let mut ids = HashMap::new();
    let mut redact = |output: &&str| {
        let lines = output.lines().map(|line| match line.split_once(" in ") {
            Some((done, _)) if line.starts_with("Created") => done.to_owned(),
            _ => redact_words(line, &mut ids),
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    outputs.iter().map(&mut redact).collect()
}

fn redact_words(line: &str, ids: &mut HashMap<String, usize>) -> String {
    let redact = |word: &str| {
        if is_uuid(word) {
            let next = ids.len() + 1;
            let number = ids.entry(word.to_owned()).or_insert(next);
            format!("<id {number}>")
        } else if is_time(word) {
            "<time>".to_owned()
        } else {
            word.to_owned()
        }
    };
    words(line).into_iter().map(redact).collect()
}
