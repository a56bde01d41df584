//! `shop config`: the settings that a start would use.

use clap::{ArgMatches, Command};
use platform::config::{EffectiveSetting, Reader};
use platform::{Settings, StartError};
use serde::Serialize;

use crate::config::ShopConfig;
use crate::settings::{sections, settings};
use crate::terminal::{Output, line, output_arg, table};

const ABOUT: &str = "\
Shows each setting of the shop with its value, and where that comes from: a flag, the environment, the settings file, the data folder, or
the default. It connects to nothing and starts nothing.

Passwords in URLs and all other secrets are replaced by ***; of a secret in a file the path is shown. A setting without a value has none
and no default.

If a start would be rejected, all reasons are reported, as by the start itself: invalid values, unknown keys of the settings file,
and combinations that are not safe.";

const AFTER: &str = "\
Examples:
  shop config                                     with the variables of the shop
  shop config --config /etc/shop.toml             with its settings file
  shop config --output json | jq 'select(.from != \"the default\")'

Exit codes: 0 the settings are valid, 2 a start would be rejected, or an invalid flag.";

/// A setting as it is printed.
#[derive(Debug, Serialize)]
struct ShownSetting {
    section: &'static str,
    name: &'static str,
    value: Option<String>,
    from: String,
}

pub fn command() -> Command {
    settings(
        Command::new("config")
            .about("Show the effective settings, and where each one comes from")
            .long_about(ABOUT)
            .after_help(AFTER)
            .next_line_help(true)
            .arg(output_arg()),
    )
}

/// Runs the command.
///
/// # Errors
/// A start with these settings would be rejected.
pub fn run(arguments: &ArgMatches) -> Result<(), StartError> {
    let settings = Settings::from_process(arguments);
    let shown = settings.read(|reader: &mut Reader| {
        ShopConfig::read(reader)?;
        let sections = sections().into_iter();
        let shown = sections.flat_map(|(section, specs)| {
            let settings = reader.effective(&specs).into_iter();
            settings
                .map(|setting| ShownSetting::of(section, setting))
                .collect::<Vec<_>>()
        });
        Ok(shown.collect::<Vec<_>>())
    })?;
    Output::of(arguments).write_all(&shown, text);
    Ok(())
}

impl ShownSetting {
    fn of(section: &'static str, setting: EffectiveSetting) -> Self {
        Self {
            section,
            name: setting.name,
            value: setting.value,
            from: setting.origin,
        }
    }
}

fn text(settings: &[ShownSetting]) -> String {
    let row = |setting: &ShownSetting| {
        let value = setting.value.as_deref().unwrap_or_default();
        [setting.name.to_owned(), line(value), line(&setting.from)]
    };
    let rows: Vec<_> = settings.iter().map(row).collect();
    table(["SETTING", "VALUE", "FROM"], &rows)
}
