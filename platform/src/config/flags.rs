//! Settings as flags.

use clap::{Arg, ArgAction, Command};

use super::setting::{Secrecy, Spec};

/// The id of the flag that names the settings file.
pub(super) const CONFIG: &str = "config";

/// `command` with `--config` and one flag for each of `specs`.
#[must_use]
pub fn command(command: Command, specs: &[Spec]) -> Command {
    command.args(args(specs))
}

/// `--config` and one flag for each of `specs` that is not a secret, accepted before and after a subcommand.
pub fn args(specs: &[Spec]) -> impl Iterator<Item = Arg> + use<> {
    let config = Arg::new(CONFIG)
        .long(CONFIG)
        .value_name("FILE")
        .global(true)
        .help("A TOML file with settings; key `section.key` is the variable SECTION_KEY");
    let open = |spec: &&Spec| spec.secrecy != Secrecy::Everything;
    std::iter::once(config).chain(specs.iter().filter(open).map(flag).collect::<Vec<_>>())
}

fn flag(spec: &Spec) -> Arg {
    let default = spec
        .default
        .map(|default| format!("; default {default}"))
        .unwrap_or_default();
    let help = format!("{} [{}: {}{default}]", spec.help, spec.name, spec.accepts);
    let arg = Arg::new(spec.name)
        .long(spec.name.to_ascii_lowercase().replace('_', "-"))
        .value_name("VALUE")
        .action(ArgAction::Set)
        .global(true)
        .help(help);
    if spec.switch {
        arg.num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true")
    } else {
        arg
    }
}
