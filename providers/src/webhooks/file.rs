//! The contents of the file: endpoints, each a table of TOML.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use platform::config::{Secrecy, shown as shown_setting};
use toml::{Table, Value};

use super::endpoint::WebhookEndpoint;
use super::section::{Recording, Section, shown, shown_text, text};
use super::signing_secret::{self, SigningSecret};
use crate::url::{Accepts, ProviderUrl};

const MAX_ENDPOINTS: usize = 64;
const MAX_NAME_CHARACTERS: usize = 64;
const MAX_SECRETS: usize = 4;
const MAX_SOURCE_CHARACTERS: usize = 200;
const MAX_TIMEOUT_MS: i64 = 60_000;
/// Standard Webhooks recommends 15 to 30 seconds.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(15);
const DEFAULT_SOURCE: &str = "/shop";

const URL: &str = "https://HOST/PATH, or http:// on this machine";
/// `http` is for tests on the same machine.
const SCHEMES: [&str; 2] = ["https://HOST", "http://LOOPBACK"];
const ALL: &str = "all";

/// The contents of the file.
#[derive(Debug)]
pub(super) struct Contents {
    pub source: String,
    pub endpoints: Vec<WebhookEndpoint>,
}

/// Parses the text, or returns all problems.
pub(super) fn parse(file: &str, known_types: &[&str]) -> Result<Contents, Vec<String>> {
    let table: Table = file
        .parse()
        .map_err(|error: toml::de::Error| vec![not_toml(file, &error)])?;
    let mut problems = Vec::new();
    let mut top = Section::new("the file".to_owned(), table, &mut problems);
    let source = top.optional("source", "a URI reference", source);
    let tables = top.required("endpoint", "1 to 64 tables [[endpoint]]", tables);
    top.finish();
    let mut endpoints: Vec<WebhookEndpoint> = Vec::new();
    for (index, table) in tables.into_iter().flatten().enumerate() {
        let place = place(index, &table);
        let read = endpoint(&place, table, known_types, &mut problems);
        if let Ok(endpoint) = read {
            if endpoints.iter().any(|other| other.name == endpoint.name) {
                problems.push(format!("{place} is there twice; each has its own name"));
            }
            endpoints.push(endpoint);
        }
    }
    match source {
        Ok(source) if problems.is_empty() => Ok(Contents {
            source: source.unwrap_or_else(|| DEFAULT_SOURCE.to_owned()),
            endpoints,
        }),
        _ => Err(problems),
    }
}

/// The parser's own error shows the line, which may hold a secret.
fn not_toml(file: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| file.get(..span.start));
    let line = before.map_or(1, |before| before.matches('\n').count() + 1);
    format!("line {line} is not TOML")
}

/// The name of an endpoint in errors.
fn place(index: usize, table: &Table) -> String {
    match table.get("name").and_then(Value::as_str) {
        Some(name) if is_name(name) => format!("endpoint {}", shown_text(name)),
        _ => format!("endpoint {}", index + 1),
    }
}

fn endpoint(
    place: &str,
    table: Table,
    known_types: &[&str],
    problems: &mut Vec<String>,
) -> Result<WebhookEndpoint, Recording> {
    let mut section = Section::new(place.to_owned(), table, problems);
    let name = format!("1 to {MAX_NAME_CHARACTERS} of a-z, 0-9 and -");
    let name = section.required("name", &name, |value| {
        let text = text(value)?;
        is_name(text)
            .then(|| text.to_owned())
            .ok_or_else(|| shown_text(text))
    });
    let url = section.required("url", URL, url);
    let secrets = format!(
        "{}, or a list of 1 to {MAX_SECRETS}",
        signing_secret::ACCEPTS
    );
    let secrets = section.required("secret", &secrets, secrets_of);
    let events = format!("{ALL:?} or a list of {}", known_types.join(", "));
    let event_types = section.required("events", &events, |value| event_types(value, known_types));
    let timeout = format!("1 to {MAX_TIMEOUT_MS}");
    let timeout = section.optional("timeout_ms", &timeout, timeout_of);
    let ca_file = section.optional("ca_file", "a path", |value| text(value).map(PathBuf::from));
    section.finish();
    Ok(WebhookEndpoint {
        name: name?,
        url: url?,
        secrets: secrets?,
        event_types: event_types?,
        timeout: timeout?.unwrap_or(DEFAULT_TIMEOUT),
        ca_file: ca_file?,
    })
}

fn is_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=MAX_NAME_CHARACTERS).contains(&text.len()) && text.bytes().all(allowed)
}

fn source(value: &Value) -> Result<String, String> {
    let text = text(value)?;
    let allowed = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte);
    let fits = (1..=MAX_SOURCE_CHARACTERS).contains(&text.len());
    if fits && text.bytes().all(allowed) {
        Ok(text.to_owned())
    } else {
        Err(shown_text(text))
    }
}

fn tables(value: &Value) -> Result<Vec<Table>, String> {
    let list = value.as_array().ok_or_else(|| shown(value))?;
    if !(1..=MAX_ENDPOINTS).contains(&list.len()) {
        return Err(format!("a list of {}", list.len()));
    }
    let table = |item: &Value| item.as_table().cloned().ok_or_else(|| shown(item));
    list.iter().map(table).collect()
}

fn url(value: &Value) -> Result<String, String> {
    let text = text(value)?;
    allowed_url(text).map_err(|_| format!("{:?}", shown_setting(Secrecy::Credentials, text)))
}

/// Any parameters are allowed: they are the receiver's. Credentials in the authority are not, because other programs log
/// them.
fn allowed_url(text: &str) -> Result<String, Accepts> {
    let url = ProviderUrl::parse(text, &SCHEMES)?;
    url.host()?;
    url.without_credentials("secret")?;
    if url.scheme() == "http" && !url.is_loopback() {
        return Err(URL.to_owned());
    }
    Ok(url.into_text())
}

fn secrets_of(value: &Value) -> Result<Vec<SigningSecret>, String> {
    let Value::Array(list) = value else {
        return secret(value).map(|secret| vec![secret]);
    };
    if !(1..=MAX_SECRETS).contains(&list.len()) {
        return Err(format!("a list of {}", list.len()));
    }
    list.iter().map(secret).collect()
}

/// Errors never show any part of a secret.
fn secret(value: &Value) -> Result<SigningSecret, String> {
    let text = value.as_str().ok_or_else(|| value.type_str().to_owned())?;
    SigningSecret::parse(text)
}

fn event_types(value: &Value, known_types: &[&str]) -> Result<BTreeSet<String>, String> {
    let list = match value {
        Value::String(text) if text == ALL => {
            return Ok(known_types.iter().map(|&name| name.to_owned()).collect());
        }
        Value::Array(list) if !list.is_empty() => list,
        Value::Array(_) => return Err("an empty list".to_owned()),
        other => return Err(shown(other)),
    };
    let is_known = |item: &&Value| {
        item.as_str()
            .is_some_and(|text| known_types.contains(&text))
    };
    let unknown: Vec<String> = list
        .iter()
        .filter(|item| !is_known(item))
        .map(shown)
        .collect();
    if !unknown.is_empty() {
        return Err(unknown.join(", "));
    }
    Ok(list
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect())
}

fn timeout_of(value: &Value) -> Result<Duration, String> {
    let millis = value
        .as_integer()
        .filter(|ms| (1..=MAX_TIMEOUT_MS).contains(ms));
    let millis = millis.and_then(|ms| u64::try_from(ms).ok());
    millis
        .map(Duration::from_millis)
        .ok_or_else(|| shown(value))
}
