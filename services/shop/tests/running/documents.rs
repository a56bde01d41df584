//! The commands in the documents print what the documents show.
//!
//! The `console` blocks of a page are run in order against a shop that is in the state that the page describes. Their output
//! must be the page's, except for ids, times and numbers.

use std::path::Path;
use std::process::Output;

use anyhow::{Context, Result, ensure};
use test_shop::shell_words;

use crate::golden::redacted;

/// A command of a page, and the output that it shows.
#[derive(Debug, PartialEq)]
struct Step {
    command: String,
    output: String,
}

/// A shop in the state that a page describes.
pub struct Stage<'a> {
    /// Runs a command with these arguments, in the way in which it reaches the shop.
    pub run: &'a dyn Fn(&[&str]) -> Output,
    /// Names of the page, and those of the test.
    pub names: &'a [(&'a str, &'a str)],
}

impl Stage<'_> {
    /// Runs the commands of `page` whose program is `shop`. Before each it calls `settle` with the command.
    pub async fn run_page(
        &self,
        page: &str,
        settle: impl AsyncFn(&str) -> Result<()>,
    ) -> Result<()> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
        let text = std::fs::read_to_string(path.join(page));
        let steps = steps(&text.with_context(|| format!("read {page}"))?);
        ensure!(!steps.is_empty(), "{page} has no command");
        for step in steps {
            settle(&step.command).await?;
            let (mut command, mut shown) = (step.command.clone(), step.output.clone());
            for (name, here) in self.names {
                command = command.replace(name, here);
                shown = shown.replace(name, here);
            }
            let actual = self.output(&command)?;
            ensure!(
                is_shown(&shown, &actual),
                "{page} shows another output of {}\nshown:\n{shown}\nactual:\n{actual}",
                step.command
            );
        }
        Ok(())
    }

    /// Runs a command, which may be piped into `tail -n`. A command that finds something wrong exits with 1.
    fn output(&self, command: &str) -> Result<String> {
        let (command, pipe) = command.split_once(" | ").unwrap_or((command, ""));
        let words = shell_words(command);
        let arguments: Vec<&str> = words.iter().skip(1).map(String::as_str).collect();
        let output = (self.run)(&arguments);
        let printed = String::from_utf8(output.stdout)?;
        let error = String::from_utf8(output.stderr)?;
        let is_report = output.status.code() == Some(1) && !printed.is_empty();
        ensure!(output.status.success() || is_report, "{command}: {error}");
        let Some(count) = pipe.strip_prefix("tail -n ") else {
            ensure!(pipe.is_empty(), "the test cannot run {pipe:?}");
            return Ok(printed);
        };
        let count: usize = count.trim().parse()?;
        let lines: Vec<&str> = printed.lines().collect();
        Ok(lines[lines.len().saturating_sub(count)..].join("\n"))
    }
}

fn steps(page: &str) -> Vec<Step> {
    let blocks = page.split("```").skip(1).step_by(2);
    let of_console = blocks.filter_map(|block| block.strip_prefix("console\n"));
    let mut steps = Vec::new();
    for block in of_console {
        let block = block.replace("\\\n", " ");
        for part in format!("\n{block}").split("\n$ ").skip(1) {
            let (command, output) = part.split_once('\n').unwrap_or((part, ""));
            let (command, _) = command.split_once(" #").unwrap_or((command, ""));
            // A service, and what follows a log, do not end.
            let words = shell_words(command);
            let is_service = words.get(1).is_none_or(|word| word.starts_with('-'));
            let is_endless = words.iter().any(|word| word == "--follow");
            if command.starts_with("shop ") && !is_service && !is_endless {
                steps.push(Step {
                    command: command.trim().to_owned(),
                    output: output.trim().to_owned(),
                });
            }
        }
    }
    steps
}

/// An output that is not shown may be any. A line `…` stands for any lines.
fn is_shown(shown: &str, actual: &str) -> bool {
    if shown.is_empty() {
        return true;
    }
    let (shown, actual) = (normalized(shown), normalized(actual));
    let mut parts: Vec<&str> = shown.split('…').map(str::trim).collect();
    let last = parts.pop().unwrap_or_default();
    let mut rest = actual.as_str();
    for part in parts {
        let Some(found) = rest.find(part) else {
            return false;
        };
        rest = &rest[found + part.len()..];
    }
    if shown.contains('…') {
        rest.ends_with(last)
    } else {
        rest == last
    }
}

/// Without ids, times, durations and numbers, and with one blank between words.
fn normalized(text: &str) -> String {
    let mut normalized = String::new();
    for character in redacted(text).trim().chars() {
        match character {
            '0'..='9' if normalized.ends_with('#') => {}
            '0'..='9' => normalized.push('#'),
            _ => normalized.push(character),
        }
    }
    let units = ["# m # s", "# h # m", "# d # h"].into_iter();
    units.fold(normalized, |text, units| text.replace(units, "<n> s"))
}

#[test]
fn the_commands_of_a_page_are_found_with_their_outputs() {
    let page = "text\n```console\n$ shop a --b \"c d\"\nout 17\n\n$ ls\nx\n$ shop e | tail -n 2\n…\n```\n```sh\n$ shop no\n```";
    let found = steps(page);
    let expected = [
        ("shop a --b \"c d\"", "out 17"),
        ("shop e | tail -n 2", "…"),
    ];
    let expected = expected.map(|(command, output)| Step {
        command: command.to_owned(),
        output: output.to_owned(),
    });
    assert_eq!(found, expected);
}

#[test]
fn an_output_may_differ_in_numbers_alone() {
    assert!(is_shown("at 4711  of 12", "at 1 of 3\n"));
    assert!(is_shown("4 m 12 s ago", "0.484 s ago"));
    assert!(is_shown("first\n…", "first\nsecond\n"));
    assert!(!is_shown("first\n…", "second\n"));
    assert!(is_shown("a\n…\nd\n…\nf", "a\nb\nc\nd\ne\nf"));
    assert!(!is_shown("a\n…\nd", "a\nb\nc"));
    assert!(is_shown("", "anything"));
    assert!(!is_shown("at 4711", "on 4711"));
}
