//! `cargo xtask count`: how much code a user of the kernel writes, compared with the goals.
//!
//! ```text
//!   goals     what is counted, in which files, and the maximum
//!   globs     the files that match a pattern; at least one must
//!   code      the lines of a file that are code, and those of its parts
//!   measure   a number for each goal
//! ```
//!
//! Blank lines, comments and tests are not counted. A missed goal is not an error. A pattern without a match, or an
//! item that is in no file, is an error, so that moved code is not counted as zero.

mod code;
mod globs;
mod goals;
mod measure;

use anyhow::{Context, Result};

use self::goals::{GOALS, Goal};
use self::measure::Counted;
use crate::repository::Repository;

/// Prints a line for each goal; with `show_files` also what was counted.
pub fn print(repository: &Repository, show_files: bool) -> Result<()> {
    // The seeds of the fuzz targets are not text.
    let files = repository.files(|path| {
        !["tools/", "fuzz/"]
            .iter()
            .any(|folder| path.starts_with(folder))
    })?;
    println!("{:<64} {:>5} {:>8}", "a user writes", "goal", "counted");
    for goal in &GOALS {
        let counted =
            measure::count(&goal.measure, &files).with_context(|| goal.what.to_owned())?;
        println!("{}", line(goal, &counted));
        if show_files {
            for (what, number) in &counted.parts {
                println!("    {number:>5}  {what}");
            }
        }
    }
    Ok(())
}

fn line(goal: &Goal, counted: &Counted) -> String {
    let (number, verdict) = match counted.number {
        Some(number) if number <= goal.max => (number.to_string(), "reached".to_owned()),
        Some(number) => (number.to_string(), format!("over by {}", number - goal.max)),
        None => ("-".to_owned(), counted.why_not.to_owned()),
    };
    format!("{:<64} {:>5} {number:>8}  {verdict}", goal.what, goal.max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::count::goals::Measure;

    #[test]
    fn a_line_shows_the_distance_to_the_goal() {
        let goal = Goal {
            what: "a thing",
            max: 10,
            measure: Measure::Manual,
        };
        let line = |number| {
            let why_not = "counted manually";
            let parts = Vec::new();
            super::line(
                &goal,
                &Counted {
                    number,
                    why_not,
                    parts,
                },
            )
        };
        assert!(line(Some(10)).ends_with("10  reached"));
        assert!(line(Some(12)).ends_with("12  over by 2"));
        assert!(line(None).ends_with("-  counted manually"));
    }

    /// Every pattern matches files, and every counted item is in them.
    #[test]
    fn this_repository_can_be_counted() {
        print(&Repository::here().unwrap(), true).unwrap();
    }
}
