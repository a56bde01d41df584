//! The commands in the documents are commands that there are.

use std::fs;
use std::path::PathBuf;

use clap::error::ErrorKind;
use test_shop::{documents, shell_words};

use crate::cli;

/// A command of a document.
struct Shown {
    page: PathBuf,
    text: String,
    /// Whether it is in a block, and so can be run as it is; else it is within a sentence, and may lack arguments.
    is_whole: bool,
}

#[test]
fn every_command_in_the_documents_is_accepted() {
    let commands = commands();
    assert!(commands.len() > 50, "only {} are found", commands.len());
    let wrong = commands.iter().filter_map(|shown| {
        let why = problem(shown)?;
        Some(format!("{}: {}: {why}", shown.page.display(), shown.text))
    });
    let wrong: Vec<_> = wrong.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_command_that_does_not_exist_is_found() {
    let shown = |text: &str, is_whole| Shown {
        page: PathBuf::new(),
        text: text.to_owned(),
        is_whole,
    };
    for wrong in [
        "shop sagas",
        "shop saga list --status open",
        "shop order show A B",
    ] {
        assert!(problem(&shown(wrong, false)).is_some(), "{wrong}");
    }
    let incomplete = "shop saga resume ID";
    assert!(problem(&shown(incomplete, false)).is_none());
    assert!(problem(&shown(incomplete, true)).is_some());
    let piped = "AUTH=jwt shop saga show ID | tail -n 4";
    assert!(problem(&shown(piped, true)).is_none());
}

/// Why the command line does not accept it.
fn problem(shown: &Shown) -> Option<String> {
    let words = shell_words(&shown.text);
    let is_setting = |word: &&String| word.contains('=') && !word.starts_with('-');
    let words = words.iter().skip_while(is_setting);
    let error = cli::command().try_get_matches_from(words).err()?;
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => None,
        ErrorKind::MissingRequiredArgument
        | ErrorKind::MissingSubcommand
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
            if !shown.is_whole =>
        {
            None
        }
        // A word in capitals stands for a value.
        ErrorKind::ValueValidation | ErrorKind::InvalidValue if !shown.is_whole => None,
        _ => Some(
            error
                .to_string()
                .lines()
                .next()
                .unwrap_or_default()
                .to_owned(),
        ),
    }
}

/// All commands of `shop` in the documents.
fn commands() -> Vec<Shown> {
    let mut commands = Vec::new();
    for page in documents().expect("the documents") {
        let text = fs::read_to_string(&page).expect("a page");
        for (index, part) in text.split("```").enumerate() {
            let found = if index % 2 == 1 {
                in_block(part)
            } else {
                in_sentences(part)
            };
            commands.extend(found.into_iter().map(|text| Shown {
                page: page.clone(),
                text,
                is_whole: index % 2 == 1,
            }));
        }
    }
    commands
}

/// Lines that a prompt or the program's name begins, with the lines that continue them.
fn in_block(block: &str) -> Vec<String> {
    let (language, body) = block.split_once('\n').unwrap_or((block, ""));
    if !["console", "sh"].contains(&language) {
        return Vec::new();
    }
    let joined = body.replace("\\\n", " ");
    let lines = joined.lines().map(|line| line.trim_start_matches("$ "));
    let inner = lines.map(|line| line.split_once("$(").map_or(line, |(_, inner)| inner));
    let of_shop = inner.filter_map(|line| {
        let start = line.find("shop")?;
        let (before, command) = line.split_at(start);
        let is_start = before.is_empty() || before == "target/release/" || is_settings(before);
        let is_end = command[4..].is_empty() || command[4..].starts_with(' ');
        (is_start && is_end).then(|| command.to_owned())
    });
    of_shop.collect()
}

/// Settings in front of a command.
fn is_settings(text: &str) -> bool {
    text.ends_with(' ') && text.split_whitespace().all(|word| word.contains('='))
}

/// Code within sentences.
fn in_sentences(text: &str) -> Vec<String> {
    let code = text.split('`').skip(1).step_by(2);
    let commands = code.filter(|code| code.starts_with("shop ") && !code.contains('…'));
    commands.map(|code| code.replace('\n', " ")).collect()
}
