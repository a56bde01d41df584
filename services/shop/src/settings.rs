//! The settings of the shop, by section, and their flags.

use clap::{Arg, Command};
use platform::config::{self, Spec, names};

use crate::config::LOG_LEVEL;

const DATA: &[Spec] = &[
    names::DATA_DIR.spec,
    names::EVENT_STORE_URL.spec,
    names::COMMAND_DATABASE_URL.spec,
    names::QUERY_DATABASE_URL.spec,
    names::POOL_SIZE.spec,
    names::MIGRATE.spec,
    names::START_TIMEOUT_MS.spec,
];
const LISTENERS: &[Spec] = &[
    names::CLIENT_HTTP_ADDR.spec,
    names::COMMAND_GRPC_ADDR.spec,
    names::COMMAND_METRICS_ADDR.spec,
    names::QUERY_GRPC_ADDR.spec,
    names::QUERY_METRICS_ADDR.spec,
    names::TLS_CERT_FILE.spec,
    names::TLS_KEY_FILE.spec,
    names::TLS_CLIENT_CA_FILE.spec,
    names::INSECURE.spec,
    names::MAX_CONNECTIONS_PER_PEER.spec,
];
const PROCESS: &[Spec] = &[
    names::APP_ENV.spec,
    LOG_LEVEL.spec,
    names::LOG_FORMAT.spec,
    names::OTEL_EXPORTER_OTLP_ENDPOINT.spec,
    names::OTEL_EXPORTER_OTLP_PROTOCOL.spec,
    names::OTEL_TRACES_SAMPLER.spec,
    names::OTEL_TRACES_SAMPLER_ARG.spec,
    names::OTEL_SERVICE_NAME.spec,
    names::SHUTDOWN_DELAY_MS.spec,
    names::SHUTDOWN_TIMEOUT_MS.spec,
];

/// All settings of the shop, by section.
pub fn sections() -> [(&'static str, Vec<Spec>); 7] {
    let (mode, secret) = (names::AUTH.spec, names::SERVICE_SECRET_FILE.spec);
    let authentication = [&[mode], names::TOKENS, &[secret]].concat();
    let gateway = client_service::config::SETTINGS;
    [
        ("Data", DATA.to_vec()),
        ("Listeners", LISTENERS.to_vec()),
        ("GraphQL gateway", gateway.to_vec()),
        ("Authentication", authentication),
        ("Providers and sagas", names::WRITE_SIDE.to_vec()),
        ("Read side", names::READ_SIDE.to_vec()),
        ("Process", PROCESS.to_vec()),
    ]
}

/// `command` with all settings of the shop.
pub fn settings(command: Command) -> Command {
    let command = command.args(local(config::args(&[])));
    let sections = sections().into_iter();
    sections.fold(command, |command, (heading, specs)| {
        command.args(section(heading, &specs))
    })
}

/// The flags of some settings, under a heading of the help.
fn section(heading: &'static str, specs: &[Spec]) -> impl Iterator<Item = Arg> + use<> {
    // The first one is `--config`, which belongs to no section.
    local(config::args(specs))
        .skip(1)
        .map(move |arg| arg.help_heading(heading))
}

/// Settings of the shop are not flags of its subcommands.
fn local(args: impl Iterator<Item = Arg>) -> impl Iterator<Item = Arg> {
    args.map(|arg| arg.global(false))
}
