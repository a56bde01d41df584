//! The list of checks, and the loop over it.

use std::time::Instant;

use anyhow::{Result, bail};

use super::{
    adapters, circles, clippy, deny, docs, error_codes, features, formatting, leftovers, links,
    log_fields, manifest, metrics, schema, size, statements, subjects, tiers, words,
};
use crate::repository::Repository;

#[derive(Debug)]
pub struct Check {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What holds if it finds nothing.
    pub guarantee: &'static str,
    problems: fn(&Repository) -> Result<Vec<String>>,
}

/// The quick ones first.
pub const ALL: [Check; 19] = [
    Check {
        name: "format",
        guarantee: "every Rust file is as rustfmt writes it",
        problems: formatting::problems,
    },
    Check {
        name: "leftovers",
        guarantee: "no forgotten markers, debug prints or silenced lints",
        problems: leftovers::problems,
    },
    Check {
        name: "links",
        guarantee: "the links of the documents lead to files and headings that there are",
        problems: links::problems,
    },
    Check {
        name: "size",
        guarantee: "files have at most 500 lines, functions at most 70",
        problems: size::problems,
    },
    Check {
        name: "manifest",
        guarantee: "every third-party crate has its version and its reason in the root Cargo.toml",
        problems: manifest::problems,
    },
    Check {
        name: "features",
        guarantee: "tests and services share one build of each third-party crate; no binary has a testing kit",
        problems: features::problems,
    },
    Check {
        name: "tiers",
        guarantee: "crates depend on lower tiers only",
        problems: tiers::problems,
    },
    Check {
        name: "adapters",
        guarantee: "only event-store-any names a concrete event store",
        problems: adapters::problems,
    },
    Check {
        name: "circles",
        guarantee: "the files of a crate use each other in one direction",
        problems: circles::problems,
    },
    Check {
        name: "statements",
        guarantee: "SQL runs where every statement is read to its end",
        problems: statements::problems,
    },
    Check {
        name: "metrics",
        guarantee: "every metric says what it means",
        problems: metrics::problems,
    },
    Check {
        name: "log-fields",
        guarantee: "the fields of log lines have dotted names that are written down once",
        problems: log_fields::problems,
    },
    Check {
        name: "error-codes",
        guarantee: "the reference of the error codes has what the code has",
        problems: error_codes::problems,
    },
    Check {
        name: "schema",
        guarantee: "the GraphQL schema only grows after a release",
        problems: schema::problems,
    },
    Check {
        name: "words",
        guarantee: "prose and names use the words of docs/glossary.md",
        problems: words::problems,
    },
    Check {
        name: "subjects",
        guarantee: "the subjects of the commits since the last tag name a component and fit in 72 characters",
        problems: subjects::problems,
    },
    Check {
        name: "deny",
        guarantee: "licences, sources, banned crates and versions with a known hole, by cargo-deny",
        problems: deny::problems,
    },
    Check {
        name: "clippy",
        guarantee: "no warning from clippy, tests and benches included",
        problems: clippy::problems,
    },
    Check {
        name: "docs",
        guarantee: "no warning from rustdoc, private items included",
        problems: docs::problems,
    },
];

/// Runs the named checks, or all, and says whether none found a problem.
pub fn run(repository: &Repository, names: &[String]) -> Result<bool> {
    for name in names {
        if !ALL.iter().any(|check| check.name == name) {
            bail!("there is no check {name:?}; see cargo xtask --help");
        }
    }
    let chosen = ALL
        .iter()
        .filter(|check| names.is_empty() || names.iter().any(|name| name == check.name));
    let mut clean = true;
    for check in chosen {
        let begin = Instant::now();
        let outcome = (check.problems)(repository);
        let problems = outcome.unwrap_or_else(|error| vec![format!("cannot check: {error:#}")]);
        let verdict = if problems.is_empty() { "ok" } else { "FAILED" };
        let seconds = begin.elapsed().as_secs_f64();
        println!("{:<10} {verdict} ({seconds:.1} s)", check.name);
        for problem in &problems {
            println!("  {problem}");
        }
        clean &= problems.is_empty();
    }
    Ok(clean)
}
