//! The commands in the documents print what the documents show.
//!
//! The `console` blocks of a page are run in order against a shop that is in the state that the page describes. Their output
//! must be the page's, except for ids, times and numbers. A line `…` stands for any further lines.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::golden::redacted;
use crate::support::{Shop, printed};

/// A command of a page, and the output that it shows.
#[derive(Debug, PartialEq)]
struct Step {
    command: String,
    output: String,
}

/// Runs the commands of `page` whose program is `shop`, after `settle` each time. Names of the page are replaced by those of
/// the test.
pub async fn run_page(
    page: &str,
    shop: &Shop,
    replaced: &[(&str, &str)],
    settle: impl AsyncFn() -> Result<()>,
) -> Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let text = std::fs::read_to_string(path.join(page)).with_context(|| format!("read {page}"))?;
    let steps = steps(&text);
    ensure!(!steps.is_empty(), "{page} has no command");
    for step in steps {
        settle().await?;
        let (mut command, mut shown) = (step.command.clone(), step.output.clone());
        for (name, here) in replaced {
            command = command.replace(name, here);
            shown = shown.replace(name, here);
        }
        let actual = run(shop, &command)?;
        ensure!(
            is_shown(&shown, &actual),
            "{page} shows another output of {}\nshown:\n{shown}\nactual:\n{actual}",
            step.command
        );
    }
    Ok(())
}

/// Runs a command, which may be piped into `tail -n`.
fn run(shop: &Shop, command: &str) -> Result<String> {
    let (command, pipe) = command.split_once(" | ").unwrap_or((command, ""));
    let arguments = arguments(command);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let output = printed(&shop.run(&arguments));
    let Some(count) = pipe.strip_prefix("tail -n ") else {
        ensure!(pipe.is_empty(), "the test cannot run {pipe:?}");
        return Ok(output);
    };
    let count: usize = count.trim().parse()?;
    let lines: Vec<&str> = output.lines().collect();
    Ok(lines[lines.len().saturating_sub(count)..].join("\n"))
}

/// The words after the program; quotes hold some together.
fn arguments(command: &str) -> Vec<String> {
    let parts = command.split('"').enumerate();
    let words = parts.flat_map(|(index, part)| {
        let is_quoted = index % 2 == 1;
        let words: Vec<String> = if is_quoted {
            vec![part.to_owned()]
        } else {
            part.split_whitespace().map(str::to_owned).collect()
        };
        words
    });
    words.skip(1).collect()
}

fn steps(page: &str) -> Vec<Step> {
    let blocks = page.split("```").skip(1).step_by(2);
    let of_console = blocks.filter_map(|block| block.strip_prefix("console\n"));
    let mut steps = Vec::new();
    for block in of_console {
        let block = block.replace("\\\n", " ");
        for part in format!("\n{block}").split("\n$ ").skip(1) {
            let (command, output) = part.split_once('\n').unwrap_or((part, ""));
            if command.starts_with("shop ") && !command.contains("…") {
                steps.push(Step {
                    command: command.to_owned(),
                    output: output.trim().to_owned(),
                });
            }
        }
    }
    steps
}

fn is_shown(shown: &str, actual: &str) -> bool {
    let (shown, actual) = (normalized(shown), normalized(actual));
    let Some((start, _)) = shown.split_once("\n…") else {
        return shown == actual;
    };
    actual.starts_with(start)
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
    assert_eq!(arguments(&found[0].command), ["a", "--b", "c d"]);
}

#[test]
fn an_output_may_differ_in_numbers_alone() {
    assert!(is_shown("at 4711  of 12", "at 1 of 3\n"));
    assert!(is_shown("4 m 12 s ago", "0.484 s ago"));
    assert!(is_shown("first\n…", "first\nsecond\n"));
    assert!(!is_shown("first\n…", "second\n"));
    assert!(!is_shown("at 4711", "on 4711"));
}
