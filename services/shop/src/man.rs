//! `shop man`: manual pages of the command line.

use std::fs;
use std::path::Path;

use clap::{Arg, ArgMatches, Command};
use platform::StartError;

use crate::terminal::print;

const ABOUT: &str = "\
Writes manual pages of `shop` into a folder, one for each command: shop.1, shop-events.1, shop-events-show.1 and so on.
They have what --help prints.

  shop man ~/.local/share/man/man1      then: man shop, man shop-events";

pub fn command() -> Command {
    Command::new("man")
        .about("Write manual pages")
        .long_about(ABOUT)
        .arg(
            Arg::new("folder")
                .value_name("FOLDER")
                .required(true)
                .help("The folder of the pages; it is made if it does not exist"),
        )
}

/// Writes the pages of `command`, the whole command line.
///
/// # Errors
/// The folder or a page cannot be written.
pub fn write(arguments: &ArgMatches, command: Command) -> Result<(), StartError> {
    let folder = arguments.get_one::<String>("folder").cloned();
    let folder = folder.unwrap_or_default();
    let path = Path::new(&folder);
    let written = fs::create_dir_all(path).and_then(|()| {
        let command = command.disable_help_subcommand(true);
        clap_mangen::generate_to(command, path)
    });
    written
        .map_err(|error| StartError::failed(format!("write manual pages to {folder}"), error))?;
    print(&format!(
        "The pages are in {folder}. Read them: man {folder}/shop.1"
    ));
    Ok(())
}
