//! Settings: a file and the environment mean the same, a value that is accepted is accepted again as it is shown, and an
//! error is one line without a secret.
#![no_main]

use std::collections::BTreeMap;
use std::fmt::Debug;

use client_service::Config;
use client_service::config::RemoteServices;
use fuzz_targets::split_choice;
use libfuzzer_sys::fuzz_target;
use platform::Settings;
use platform::config::{
    AppEnv, ConfigErrors, Layers, Read, Reader, Secrecy, ServiceSettings, Setting, app_env, names,
};
use platform::telemetry::TelemetryConfig;
use providers::ProviderSettings;

const WRITE_SIDE: ServiceSettings = ServiceSettings {
    database: &names::COMMAND_DATABASE_URL,
    grpc: &names::COMMAND_GRPC_ADDR,
    metrics: &names::COMMAND_METRICS_ADDR,
    own: names::WRITE_SIDE,
};

/// What the processes read, as text that can be compared.
fn everything(reader: &mut Reader) -> Read<String> {
    let gateway = Config::read(reader, Ok(AppEnv::Development));
    let remote = RemoteServices::read(reader);
    let providers = ProviderSettings::read(reader);
    let listeners = WRITE_SIDE.listeners(reader);
    let databases = WRITE_SIDE.databases(reader);
    let lease = reader.get(&names::SAGA_LEASE_MS);
    let calls = reader.get(&names::SAGA_CALLS);
    let log = reader.find(&names::ACCEPT_LOG);
    let app_env = app_env(reader, &[&names::CLIENT_HTTP_ADDR]);
    let telemetry = TelemetryConfig::read(reader);
    let (gateway, remote, providers) = (gateway?, remote?, providers?);
    let (listeners, databases, app_env) = (listeners?, databases?, app_env?);
    let services = (gateway, remote, providers, listeners, databases);
    Ok(format!(
        "{services:?} {:?}",
        (lease?, calls?, log?, app_env, telemetry?)
    ))
}

fn read(settings: &Settings) -> Result<String, ConfigErrors> {
    settings.read(everything)
}

/// The databases, without which nothing starts.
fn databases() -> BTreeMap<String, String> {
    let database = |name: &str| (name.to_owned(), format!("sqlite://{name}"));
    BTreeMap::from(
        [
            "EVENT_STORE_URL",
            "COMMAND_DATABASE_URL",
            "QUERY_DATABASE_URL",
        ]
        .map(database),
    )
}

/// Adds the values of a table. Returns whether each is of one setting that there is.
fn flatten(prefix: &str, table: toml::Table, into: &mut BTreeMap<String, String>) -> bool {
    let mut is_known = true;
    for (key, value) in table {
        let name = format!("{prefix}{}", key.to_ascii_uppercase());
        let text = match value {
            toml::Value::Table(inner) => {
                is_known &= flatten(&format!("{name}_"), inner, into);
                continue;
            }
            toml::Value::String(text) => text,
            toml::Value::Float(number) => number.to_string(),
            toml::Value::Integer(number) => number.to_string(),
            toml::Value::Boolean(truth) => truth.to_string(),
            toml::Value::Datetime(_) | toml::Value::Array(_) => return false,
        };
        is_known &= names::ALL.iter().any(|spec| spec.name == name);
        is_known &= into.insert(name, text).is_none();
    }
    is_known
}

/// Each line is an error, and names its setting.
fn require_lines(errors: &ConfigErrors) {
    let message = errors.to_string();
    for line in message.split(['\n', '\r']) {
        let rest_after = |name: &str| line.strip_prefix(name);
        let rests = names::ALL
            .iter()
            .map(|spec| spec.name)
            .chain(["--config"])
            .filter_map(rest_after);
        let is_error = rests
            .into_iter()
            .any(|rest| rest.starts_with(" is ") || rest.starts_with(": "));
        assert!(is_error, "{message}");
    }
}

/// A file is read as an environment with the same values is.
fn file(text: &str) {
    // Each of these names a file, which would be read.
    if text.to_ascii_lowercase().contains("file") {
        return;
    }
    let layers = Layers {
        environment: databases(),
        file: Some(("shop.toml".to_owned(), text.to_owned())),
        ..Layers::default()
    };
    let from_file = read(&Settings::from_layers(layers));
    if let Err(errors) = &from_file {
        require_lines(errors);
    }
    let Ok(table) = text.parse::<toml::Table>() else {
        assert!(from_file.is_err());
        return;
    };
    let mut environment = BTreeMap::new();
    if !flatten("", table, &mut environment) {
        assert!(from_file.is_err());
        return;
    }
    // An empty variable is none.
    if environment.values().any(String::is_empty) {
        return;
    }
    environment.extend(databases());
    let from_environment = read(&Settings::from_environment(environment));
    assert_eq!(from_file.ok(), from_environment.ok());
}

/// The value of a setting, if it is accepted.
fn parsed<T>(setting: &Setting<T>, text: &str) -> Option<T> {
    (setting.parse)(text)
}

fn again<T: Debug + PartialEq>(setting: &Setting<T>, text: &str, shown: impl Fn(&T) -> String) {
    if let Some(value) = parsed(setting, text) {
        let shown = shown(&value);
        assert_eq!(parsed(setting, &shown), Some(value), "{shown}");
    }
}

/// Parsers whose values have a text.
fn values(text: &str) {
    again(&names::CLIENT_HTTP_ADDR, text, ToString::to_string);
    again(&names::COMMAND_SERVICE_HOST, text, Clone::clone);
    again(&names::COMMAND_SERVICE_PORT, text, ToString::to_string);
    again(&names::ALLOWED_HOSTS, text, |hosts| hosts.join(","));
    again(&names::CORS_ALLOWED_ORIGINS, text, |origins| {
        origins.join(", ")
    });
    again(&names::CLIENT_READ_TIMEOUT_MS, text, |time| {
        time.as_millis().to_string()
    });
    again(&names::POOL_SIZE, text, ToString::to_string);
    again(&names::ACCEPT_LOG, text, Clone::clone);
    again(&names::TRUSTED_PROXIES, text, |networks| {
        let networks = networks.iter().map(ToString::to_string);
        networks.collect::<Vec<_>>().join(",")
    });
    again(&names::DATABASE_URL, text, |url| url.as_str().to_owned());
    if let Some(url) = parsed(&names::DATABASE_URL, text) {
        let shown = url.to_string();
        assert!(shown.contains("://") && format!("{url:?}") == shown);
    }
}

/// One setting of all, with any value.
fn one(index: usize, text: &str) {
    let spec = names::ALL[index % names::ALL.len()];
    if spec.name.ends_with("_FILE") {
        return;
    }
    let mut environment = databases();
    environment.insert(spec.name.to_owned(), text.to_owned());
    let Err(errors) = read(&Settings::from_environment(environment)) else {
        return;
    };
    require_lines(&errors);
    let message = errors.to_string();
    // A short value may be part of any message.
    let is_secret = spec.secrecy == Secrecy::Everything && text.len() > 16;
    assert!(!is_secret || !message.contains(text), "{message}");
}

fuzz_target!(|data: &[u8]| {
    let Some((choice, rest)) = split_choice(data) else {
        return;
    };
    let Ok(text) = std::str::from_utf8(rest) else {
        return;
    };
    match choice {
        0..100 => file(text),
        100 => values(text),
        index => one(index - 101, text),
    }
});
