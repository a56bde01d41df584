//! The addresses of the running shop. Every command finds it by the same settings.
//!
//! Each service's host and port are settings, the same ones by which the gateway finds the services. Where they are not
//! given, the address of its listener is used, so that commands with the variables or the settings file of a shop find
//! that shop.

use std::fmt;
use std::net::SocketAddr;

use clap::{Arg, ArgMatches};
use platform::config::{self, ConfigErrors, Read, Reader, Setting, Settings, Spec, names};
use platform::runtime::reachable;
use platform::tls::{self, ClientTls};

use crate::credentials::{Credentials, OWN, SHOP_TOKEN_FILE};

const SETTINGS: [Spec; 6] = [
    flag(
        &names::CLIENT_SERVICE_HOST.spec,
        "The gateway's host; without it that of CLIENT_HTTP_ADDR",
    ),
    flag(
        &names::CLIENT_SERVICE_PORT.spec,
        "The gateway's port; without it that of CLIENT_HTTP_ADDR",
    ),
    flag(
        &names::COMMAND_SERVICE_HOST.spec,
        "The command-service's host; without it that of COMMAND_GRPC_ADDR",
    ),
    flag(
        &names::COMMAND_SERVICE_PORT.spec,
        "The command-service's gRPC port; without it that of COMMAND_GRPC_ADDR",
    ),
    flag(
        &names::QUERY_SERVICE_HOST.spec,
        "The query-service's host; without it that of QUERY_GRPC_ADDR",
    ),
    flag(
        &names::QUERY_SERVICE_PORT.spec,
        "The query-service's gRPC port; without it that of QUERY_GRPC_ADDR",
    ),
];

const CREDENTIALS: &[Spec] = &[
    SHOP_TOKEN_FILE.spec,
    names::AUTH_JWT_SECRET_FILE.spec,
    names::SERVICE_SECRET_FILE.spec,
];

const fn flag(spec: &Spec, help: &'static str) -> Spec {
    Spec {
        help,
        default: None,
        ..*spec
    }
}

/// The flags, usable before and after a subcommand.
pub fn args() -> impl Iterator<Item = Arg> {
    let places = config::args(&SETTINGS).map(|arg| arg.help_heading("Where the shop is"));
    // The first one is `--config` again.
    let credentials = config::args(CREDENTIALS).skip(1);
    let encryption = config::args(tls::CALLS).skip(1);
    places
        .chain(credentials.map(|arg| arg.help_heading("How to authenticate there")))
        .chain(encryption.map(|arg| arg.help_heading("How to encrypt what is sent there")))
}

/// The settings that only commands read.
#[cfg(test)]
pub fn own() -> Vec<Spec> {
    [&SETTINGS, OWN].concat()
}

/// All settings by which commands find a running shop, authenticate there and encrypt what they send.
#[cfg(test)]
pub fn specs() -> Vec<Spec> {
    [&SETTINGS, OWN, CREDENTIALS, tls::CALLS].concat()
}

/// The addresses of the three services.
#[derive(Clone, Debug)]
pub struct Location {
    pub gateway: ServiceAddress,
    pub command: ServiceAddress,
    pub query: ServiceAddress,
    /// With it health checks of the gateway use TLS.
    pub health_tls: Option<ClientTls>,
}

/// An address as the settings state it.
struct Place {
    host: String,
    port: u16,
    settings: &'static str,
}

/// A host, a port, the names of the settings that they were read from, and how to connect and authenticate there.
#[derive(Clone, Debug)]
pub struct ServiceAddress {
    /// A host name or an address; an IPv6 address has no brackets.
    pub host: String,
    pub port: u16,
    pub settings: &'static str,
    pub credentials: Credentials,
    /// With it calls use TLS.
    pub tls: Option<ClientTls>,
}

impl fmt::Display for ServiceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl ServiceAddress {
    /// The same host at another port.
    pub fn at_port(&self, port: u16) -> String {
        let other = Self {
            port,
            ..self.clone()
        };
        other.to_string()
    }
}

impl Location {
    /// Reads the addresses from flags, variables and the settings file.
    ///
    /// # Errors
    /// A setting does not parse.
    pub fn of(arguments: &ArgMatches) -> Result<Self, ConfigErrors> {
        Settings::from_process_with(arguments, OWN).read(Self::read)
    }

    fn read(reader: &mut Reader) -> Read<Self> {
        let credentials = Credentials::read(reader);
        let tls = ClientTls::read_for_commands(reader);
        let health_tls = ClientTls::read_for_healthcheck(reader);
        let gateway = place(
            reader,
            &names::CLIENT_SERVICE_HOST,
            &names::CLIENT_SERVICE_PORT,
            &names::CLIENT_HTTP_ADDR,
            "CLIENT_SERVICE_HOST and CLIENT_SERVICE_PORT",
        );
        let command = place(
            reader,
            &names::COMMAND_SERVICE_HOST,
            &names::COMMAND_SERVICE_PORT,
            &names::COMMAND_GRPC_ADDR,
            "COMMAND_SERVICE_HOST and COMMAND_SERVICE_PORT",
        );
        let query = place(
            reader,
            &names::QUERY_SERVICE_HOST,
            &names::QUERY_SERVICE_PORT,
            &names::QUERY_GRPC_ADDR,
            "QUERY_SERVICE_HOST and QUERY_SERVICE_PORT",
        );
        let (gateway, command, query) = (gateway?, command?, query?);
        let (credentials, tls) = (credentials?, tls?);
        let address = |of: Place| ServiceAddress {
            host: of.host,
            port: of.port,
            settings: of.settings,
            credentials: credentials.clone(),
            tls: tls.clone(),
        };
        Ok(Self {
            gateway: address(gateway),
            command: address(command),
            query: address(query),
            health_tls: health_tls?,
        })
    }
}

fn place(
    reader: &mut Reader,
    host: &Setting<String>,
    port: &Setting<u16>,
    listener: &Setting<SocketAddr>,
    settings: &'static str,
) -> Read<Place> {
    const ORIGIN: &str = "the listener's setting";
    let listener = reader.get(listener).map(reachable);
    if let Ok(address) = listener {
        reader.fall_back(&host.spec, address.ip().to_string(), ORIGIN);
        reader.fall_back(&port.spec, address.port().to_string(), ORIGIN);
    }
    let (host, port) = (reader.get(host), reader.get(port));
    listener?;
    Ok(Place {
        host: host?.trim_matches(['[', ']']).to_owned(),
        port: port?,
        settings,
    })
}

#[cfg(test)]
mod tests {
    use platform::config::Settings;

    use super::Location;

    fn read(pairs: &[(&str, &str)]) -> Result<[String; 3], String> {
        let settings = Settings::from_environment(pairs.iter().copied());
        let read = settings.read(Location::read);
        let read = read.map_err(|errors| errors.to_string())?;
        Ok([read.gateway, read.command, read.query].map(|place| place.to_string()))
    }

    #[test]
    fn addresses_default_to_those_of_the_listeners() {
        let defaults = ["127.0.0.1:4000", "127.0.0.1:50051", "127.0.0.1:50052"];
        assert_eq!(read(&[]), Ok(defaults.map(str::to_owned)));
        let listeners = [
            ("CLIENT_HTTP_ADDR", "0.0.0.0:4001"),
            ("COMMAND_GRPC_ADDR", "[::1]:4002"),
            ("QUERY_GRPC_ADDR", "10.0.0.1:4003"),
        ];
        let found = ["127.0.0.1:4001", "[::1]:4002", "10.0.0.1:4003"];
        assert_eq!(read(&listeners), Ok(found.map(str::to_owned)));
        let named = [
            ("CLIENT_SERVICE_HOST", "shop.test"),
            ("COMMAND_SERVICE_PORT", "5000"),
            ("QUERY_SERVICE_HOST", "[::2]"),
        ];
        let found = ["shop.test:4001", "[::1]:5000", "[::2]:4003"];
        let all = [&listeners[..], &named[..]].concat();
        assert_eq!(read(&all), Ok(found.map(str::to_owned)));
    }

    #[test]
    fn all_invalid_settings_are_reported_together() {
        let wrong = [
            ("CLIENT_SERVICE_PORT", "0"),
            ("COMMAND_SERVICE_HOST", "http://command"),
            ("QUERY_SERVICE_HOST", "query:50052"),
            ("QUERY_SERVICE_PORT", "99999"),
        ];
        let errors = read(&wrong).expect_err("invalid settings");
        assert_eq!(errors.lines().count(), wrong.len(), "{errors}");
        for (name, value) in wrong {
            assert!(errors.contains(&format!("{name} is {value:?}")), "{errors}");
        }
    }
}
