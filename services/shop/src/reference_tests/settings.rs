//! `docs/reference/settings.md`.

use std::fmt::Write;

use platform::config::{Secrecy, Spec, names};

use super::check;
use crate::{location, settings};

const HEAD: &str = "\
# Settings

Made from the code by `UPDATE_GOLDEN=1 cargo test -p shop reference`; a test compares the two.
[Operations](../operations.md#settings) says what some of them are for at more length.

The setting `CLIENT_HTTP_ADDR` is the variable of that name, the flag `--client-http-addr`, and the key `client.http_addr` of the TOML file
that `--config` names. A flag wins over a variable, a variable over the file, the file over the default. A setting that holds a secret has no
flag, since all users of a machine see the flags of its processes.

*Read by* names the programs: `shop` is all three services in one process, *commands* are those of `shop` that connect to a running
one. A program rejects a flag that it does not read, and ignores such a variable.
";
const TABLE: &str = "
| setting | default | accepted | meaning | read by |
| --- | --- | --- | --- | --- |
";

fn reference() -> String {
    let mut page = HEAD.to_owned();
    let in_shop = settings::sections();
    for (heading, specs) in &in_shop {
        add(heading, specs, &mut page);
    }
    let only_services = names::ALL.iter().filter(|spec| {
        let has = |specs: &[Spec]| specs.iter().any(|other| other.name == spec.name);
        !in_shop.iter().any(|(_, specs)| has(specs))
            && programs().iter().any(|(_, specs)| has(specs))
    });
    let only_services: Vec<Spec> = only_services.copied().collect();
    add(
        "Services as processes of their own",
        &only_services,
        &mut page,
    );
    add(
        "Commands that connect to a running shop",
        &location::own(),
        &mut page,
    );
    page
}

fn add(heading: &str, specs: &[Spec], page: &mut String) {
    // Writing to a `String` cannot fail.
    let _ = write!(page, "\n## {heading}\n{TABLE}");
    for spec in specs {
        let hidden = match spec.secrecy {
            Secrecy::Everything => " (secret)",
            Secrecy::Credentials | Secrecy::Password => "",
        };
        let [accepts, help] = [spec.accepts, spec.help].map(|text| text.replace('|', "\\|"));
        let _ = writeln!(
            page,
            "| `{}`{hidden} | {} | {accepts} | {help} | {} |",
            spec.name,
            default(spec),
            readers(spec),
        );
    }
}

/// The default, which may be another one for `shop`.
fn default(spec: &Spec) -> String {
    let shown = |spec: &Spec| spec.default.map(|value| format!("`{value}`"));
    let general = names::ALL.iter().find(|other| other.name == spec.name);
    let general = general.and_then(shown).filter(|_| spec.default.is_some());
    let own = shown(spec).unwrap_or_default();
    match general {
        Some(general) if general != own => format!("{general}, in `shop` {own}"),
        _ => own,
    }
}

/// The settings of the programs that are services.
fn programs() -> [(&'static str, Vec<Spec>); 4] {
    let shop = settings::sections()
        .into_iter()
        .flat_map(|(_, specs)| specs);
    [
        ("shop", shop.collect()),
        ("command-service", command_service::SETTINGS.specs()),
        ("query-service", query_service::SETTINGS.specs()),
        ("client-service", client_service::config::of_process()),
    ]
}

/// The programs that read a setting.
fn readers(spec: &Spec) -> String {
    let mut programs = programs().to_vec();
    programs.push(("commands", location::specs()));
    let reading = programs
        .iter()
        .filter(|(_, specs)| specs.iter().any(|read| read.name == spec.name));
    let reading: Vec<&str> = reading.map(|(program, _)| *program).collect();
    assert!(!reading.is_empty(), "no program reads {}", spec.name);
    reading.join(", ")
}

#[test]
fn the_reference_of_the_settings_is_made_from_their_list() {
    check("settings.md", &reference());
}

#[test]
fn every_setting_is_read_by_a_program() {
    for spec in names::ALL {
        readers(spec);
    }
}
