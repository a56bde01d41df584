//! `shop completions`: completions of the command line for a shell.

use std::io::Write;

use clap::builder::EnumValueParser;
use clap::{Arg, ArgMatches, Command};
use clap_complete::Shell;

const ABOUT: &str = "\
Prints a script that completes commands and flags of `shop` in a shell.

  bash   shop completions bash > ~/.local/share/bash-completion/completions/shop
  zsh    shop completions zsh > a file named _shop in a folder of $fpath
  fish   shop completions fish > ~/.config/fish/completions/shop.fish";

pub fn command() -> Command {
    Command::new("completions")
        .about("Print completions for a shell")
        .long_about(ABOUT)
        .arg(
            Arg::new("shell")
                .value_name("SHELL")
                .required(true)
                .value_parser(EnumValueParser::<Shell>::new())
                .help("The shell"),
        )
}

/// Prints the script for `command`, the whole command line.
pub fn print(arguments: &ArgMatches, mut command: Command) {
    let shell = arguments.get_one("shell").copied();
    let mut script = Vec::new();
    clap_complete::generate(
        shell.unwrap_or(Shell::Bash),
        &mut command,
        "shop",
        &mut script,
    );
    // A closed pipe is ignored.
    let _ = std::io::stdout().write_all(&script);
}
