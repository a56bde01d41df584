//! The commands and the links of the runbook exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::in_repository;

const RUNBOOK: &str = "docs/operations/runbook.md";
/// The help texts of the commands, which a test of `shop` keeps current.
const HELP: &str = "services/shop/tests/golden";

/// The commands of `shop` that a page has in backticks.
fn commands(page: &str) -> Vec<&str> {
    let quoted = page.split('`').skip(1).step_by(2);
    quoted
        .filter_map(|code| code.strip_prefix("shop "))
        .collect()
}

/// Fails if there is no such command, or it has no such flag.
fn exists(command: &str) -> Result<()> {
    let is_name = |word: &&str| word.bytes().all(|byte| byte.is_ascii_lowercase());
    let names: Vec<_> = command.split(' ').take_while(is_name).collect();
    let file = format!("{HELP}/help-{}.txt", names.join("-"));
    let help = fs::read_to_string(in_repository(&file)).context(file)?;
    let known: BTreeSet<_> = help.split([' ', '\n', ',', '=']).collect();
    let mut flags = command.split(' ').filter(|word| word.starts_with("--"));
    let unknown = flags.find(|flag| !known.contains(flag));
    ensure!(
        unknown.is_none(),
        "it has no {}",
        unknown.unwrap_or_default()
    );
    Ok(())
}

/// The targets of a page's links.
fn links(page: &str) -> Vec<&str> {
    let targets = page.split("](").skip(1);
    targets
        .filter_map(|rest| Some(rest.split_once(')')?.0))
        .collect()
}

/// Fails if a link of a page leads to no file, or to no section of it.
fn leads_somewhere(page: &Path, link: &str) -> Result<()> {
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let folder = page.parent().context("a page without a folder")?;
    let target = if file.is_empty() {
        page.to_owned()
    } else {
        folder.join(file)
    };
    ensure!(target.exists(), "there is no {}", target.display());
    if anchor.is_empty() {
        return Ok(());
    }
    let text = fs::read_to_string(&target)?;
    let mut headings = text.lines().filter(|line| line.starts_with('#'));
    let is_there = headings.any(|heading| slug(heading) == anchor);
    ensure!(is_there, "{} has no section #{anchor}", target.display());
    Ok(())
}

/// The anchor that forges make of a heading.
fn slug(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn the_commands_of_the_runbook_exist() -> Result<()> {
    let page = fs::read_to_string(in_repository(RUNBOOK))?;
    let commands = commands(&page);
    ensure!(commands.len() >= 10, "only {} commands", commands.len());
    for command in commands {
        exists(command).with_context(|| format!("{RUNBOOK} has shop {command}"))?;
    }
    assert!(exists("saga revive ID").is_err());
    assert!(exists("saga list --sate suspended").is_err());
    Ok(())
}

#[test]
fn the_links_of_the_runbook_lead_somewhere() -> Result<()> {
    let path = in_repository(RUNBOOK);
    let page = fs::read_to_string(&path)?;
    let links = links(&page);
    ensure!(links.len() >= 30, "only {} links", links.len());
    for link in links {
        leads_somewhere(&path, link).with_context(|| format!("{RUNBOOK} links to {link}"))?;
    }
    assert!(leads_somewhere(&path, "../operations.md#no-such-section").is_err());
    assert!(leads_somewhere(&path, "../no-such-page.md").is_err());
    Ok(())
}
