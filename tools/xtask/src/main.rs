//! `cargo xtask check`: everything that must hold of this repository beside its tests.

mod check;
mod repository;

use std::process::ExitCode;

use repository::Repository;

const USAGE: &str = "\
Checks of this repository.

Usage: cargo xtask check [NAME]...

Without names all checks run, in the order given here; each one runs even if another failed.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first() {
        Some((command, names)) if command == "check" => run(names),
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
        println!("  {:<10} {}", check.name, check.promise);
    }
}

fn run(names: &[String]) -> ExitCode {
    match Repository::here().and_then(|repository| check::run(&repository, names)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::from(2)
        }
    }
}
