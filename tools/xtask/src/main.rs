//! `cargo xtask check`: rules of this repository that its tests do not cover. `cargo xtask count`: how much code its
//! users write. `cargo xtask new-domain`: a system of one's own, to begin with. `cargo xtask graphiql`: the files of GraphiQL.

mod check;
mod count;
mod declaration;
#[cfg(test)]
mod documents;
mod graphiql;
mod new_domain;
mod repository;

use std::process::ExitCode;

use repository::Repository;

const USAGE: &str = "\
Checks and counts of this repository.

Usage: cargo xtask check [NAME]...
       cargo xtask count [--files]
       cargo xtask new-domain NAME [--at DIR] [--git URL]
       cargo xtask graphiql [--at DIR]

`count` prints how many lines and files a user of the kernel writes, and the goals; with --files also the files.
`new-domain` writes a small system without the shop into DIR (by default NAME next to this checkout). It depends on
this checkout, or with --git on a repository: see docs/start-your-own.md.
`graphiql` downloads GraphiQL with npm into a folder in DIR (by default ~/.cache/rust-cqrs), where gateways find it and serve
it at /graphiql.
Without names all checks run, in the order given here; each one runs even if another failed.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first() {
        Some((command, names)) if command == "check" => check(names),
        Some((command, [])) if command == "count" => count(false),
        Some((command, [flag])) if command == "count" && flag == "--files" => count(true),
        Some((command, arguments)) if command == "new-domain" => new_domain(arguments),
        Some((command, [])) if command == "graphiql" => graphiql(None),
        Some((command, [flag, folder])) if command == "graphiql" && flag == "--at" => {
            graphiql(Some(folder))
        }
        Some((flag, [])) if flag == "--help" || flag == "-h" => {
            usage();
            ExitCode::SUCCESS
        }
        _ => {
            usage();
            ExitCode::from(2)
        }
    }
}

fn usage() {
    println!("{USAGE}\n");
    for check in check::ALL {
        println!("  {:<10} {}", check.name, check.guarantee);
    }
}

fn check(names: &[String]) -> ExitCode {
    let clean = Repository::here().and_then(|repository| check::run(&repository, names));
    exit_code(clean)
}

/// Prints the counts. A missed goal is not a failure.
fn count(show_files: bool) -> ExitCode {
    let printed = Repository::here().and_then(|repository| count::print(&repository, show_files));
    exit_code(printed.map(|()| true))
}

fn new_domain(arguments: &[String]) -> ExitCode {
    let made = Repository::here().and_then(|repository| new_domain::run(&repository, arguments));
    exit_code(made.map(|()| true))
}

fn graphiql(folder: Option<&str>) -> ExitCode {
    let installed = Repository::here().and_then(|repository| graphiql::run(&repository, folder));
    exit_code(installed.map(|()| true))
}

fn exit_code(outcome: anyhow::Result<bool>) -> ExitCode {
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::from(2)
        }
    }
}
