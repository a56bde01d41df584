//! Invalid settings: exit code 2, and all of them are reported together.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use test_shop::{Process, Start};
use test_tokens::Secrets;
use tokio::process::Command;

use crate::support::binaries;

const BINARIES: [&str; 4] = ["shop", "command-service", "query-service", "client-service"];
/// Settings that are read only if a provider needs them, or in place of another setting.
const NOT_READ: [&str; 5] = [
    "STRIPE_SECRET_KEY_FILE",
    "STRIPE_WEBHOOK_SECRET_FILE",
    "SHIPPING_TOKEN_FILE",
    "SMTP_PASSWORD_FILE",
    "DATABASE_URL",
];

/// A misspelt parameter of a PostgreSQL URL.
const MISSPELT: &str = "conect_timeout=3";

/// The error lines of a binary that must not start, one for each setting.
async fn rejected(binary: &str, variables: &[(&str, &str)]) -> Result<Vec<String>> {
    let start = Start::default().with(variables.iter().copied());
    let (status, log) = Process::run(binaries().await?.path(binary)?, &start).await?;
    ensure!(status.code() == Some(2), "{binary}: {status}: {log}");
    Ok(log.lines().map(str::to_owned).collect())
}

/// The settings in the binary's help, as `[NAME: what is accepted]`.
async fn settings_of(binary: &str) -> Result<BTreeSet<String>> {
    let help = Command::new(binaries().await?.path(binary)?);
    let output = { help }.arg("--help").output().await?;
    let help = String::from_utf8(output.stdout)?;
    let named = help.split('[').skip(1).filter_map(|rest| {
        let (name, _) = rest.split_once(':')?;
        let is_name = |byte: u8| byte.is_ascii_uppercase() || byte == b'_';
        (!name.is_empty() && name.bytes().all(is_name)).then(|| name.to_owned())
    });
    Ok(named.collect())
}

#[tokio::test]
async fn all_settings_of_a_binary_are_reported_when_all_are_invalid() -> Result<()> {
    for binary in BINARIES {
        let names = settings_of(binary).await?;
        ensure!(names.len() > 10, "{binary} has few settings: {names:?}");
        let variables: Vec<_> = names
            .iter()
            .map(|name| (name.as_str(), "'wrong'"))
            .collect();
        let lines = rejected(binary, &variables).await?;
        let mut reported = BTreeSet::new();
        for line in &lines {
            let line = line.strip_prefix("error: ").context("an error")?;
            let name = line.split(' ').next().unwrap_or_default();
            ensure!(line.contains(" is \"'wrong'\" (from "), "{binary}: {line}");
            ensure!(
                reported.insert(name.to_owned()),
                "{binary}: {name} is set twice"
            );
        }
        let missing: Vec<_> = names.difference(&reported).collect();
        let expected: Vec<_> = names
            .iter()
            .filter(|name| NOT_READ.contains(&name.as_str()))
            .collect();
        assert_eq!(missing, expected, "{binary}");
    }
    Ok(())
}

#[tokio::test]
async fn each_kind_of_invalid_value_is_rejected_by_every_binary_that_reads_it() -> Result<()> {
    let misspelt = format!("postgres://h/db?{MISSPELT}");
    let urls = [
        "mysql://me@host/db",
        "sqlite://",
        "sqlite://:memory:",
        "sqlite://x.db?mode=memory",
        "\"sqlite://x.db\"",
        "postgres://h/db?sslmode=sure",
        &misspelt,
        "postgres://h:99999/db",
    ];
    let databases = [
        "EVENT_STORE_URL",
        "COMMAND_DATABASE_URL",
        "QUERY_DATABASE_URL",
    ];
    let mut cases: Vec<(&str, &str)> = Vec::new();
    for name in databases {
        cases.extend(urls.map(|url| (name, url)));
    }
    cases.extend([
        ("INSECURE", "yes"),
        ("APP_ENV", "prod"),
        ("DATA_DIR", "'/srv/shop'"),
        ("DATA_DIR", "/srv/shop?x"),
        ("CLIENT_HTTP_ADDR", "127.0.0.1:99999"),
        ("COMMAND_GRPC_ADDR", "http://127.0.0.1:1"),
        ("QUERY_METRICS_ADDR", "nowhere"),
        ("COMMAND_SERVICE_HOST", "http://command"),
        ("QUERY_SERVICE_HOST", "query:50052"),
        ("QUERY_SERVICE_PORT", "99999"),
        ("COMMAND_SERVICE_PORT", "0"),
        ("LOG_FORMAT", "xml"),
        ("MIGRATE", "yes"),
        ("POOL_SIZE", "0"),
        ("AUTH", "basic"),
    ]);
    for binary in BINARIES {
        let mut names = settings_of(binary).await?;
        names.insert("AUTH".to_owned());
        let read = cases.iter().filter(|(name, _)| names.contains(*name));
        for &(name, value) in read {
            let valid = databases.map(|name| (name, "sqlite://unused.db"));
            let valid = valid.into_iter().filter(|(other, _)| *other != name);
            let variables: Vec<_> = valid.chain([(name, value)]).collect();
            let lines = rejected(binary, &variables).await?;
            // An unknown parameter is not printed, because it may be a misplaced secret.
            let shown = value.replace(MISSPELT, "***=***");
            let expected = format!("error: {name} is {shown:?} (from the environment); accepted: ");
            let is_reported = matches!(&lines[..], [line] if line.starts_with(&expected));
            ensure!(is_reported, "{binary}: {expected:?} is not {lines:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn missing_and_invalid_settings_are_reported_together() -> Result<()> {
    let lines = rejected("command-service", &[("INSECURE", "yes")]).await?;
    let lines = lines.join("\n");
    for expected in [
        "EVENT_STORE_URL is not set",
        "COMMAND_DATABASE_URL is not set",
        "INSECURE is \"yes\"",
    ] {
        ensure!(lines.contains(expected), "{expected:?} is not in: {lines}");
    }
    assert_eq!(lines.lines().count(), 3, "{lines}");
    Ok(())
}

/// The settings of a service or a gateway that has all but what a test gives.
fn with_databases<'a>(given: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let databases = [
        "EVENT_STORE_URL",
        "COMMAND_DATABASE_URL",
        "QUERY_DATABASE_URL",
    ];
    let databases = databases.map(|name| (name, "sqlite://unused.db"));
    [&databases[..], given].concat()
}

/// Whether the only error of a binary begins with the setting and has `rule`.
async fn is_reported(
    binary: &str,
    given: &[(&str, &str)],
    (setting, rule): (&str, &str),
) -> Result<()> {
    let lines = rejected(binary, &with_databases(given)).await?;
    let [line] = &lines[..] else {
        anyhow::bail!("{binary} {given:?}: {lines:?}");
    };
    let is_expected = line.starts_with(&format!("error: {setting} is ")) && line.contains(rule);
    ensure!(is_expected, "{binary} {given:?}: {line}");
    ensure!(!line.contains("too short"), "a secret is shown: {line}");
    Ok(())
}

/// Settings with their values.
type Given<'a> = &'a [(&'a str, &'a str)];

#[tokio::test]
async fn settings_of_tokens_that_do_not_fit_together_are_rejected() -> Result<()> {
    let secrets = Secrets::create()?;
    let [auth, services, tokens] = secrets.settings();
    let short = secrets.file("short", "too short")?;
    let (file, key, url) = (tokens.0, "AUTH_JWT_KEY_FILE", "AUTH_JWKS_URL");
    let (https, http) = ("https://id.example/keys", "http://id.example/keys");
    let off = "no value while AUTH is off";
    let one = "one of AUTH_JWT_SECRET_FILE, AUTH_JWT_KEY_FILE and AUTH_JWKS_URL";
    let safe = "an https URL, or http on this machine";
    let cases: [(Given<'_>, (&str, &str)); 14] = [
        (&[tokens], (file, off)),
        (&[(key, &short)], (key, off)),
        (&[("AUTH", "off"), (url, https)], (url, off)),
        (&[auth, services, tokens, (key, &short)], (key, one)),
        (&[auth, services, tokens, (url, https)], (url, one)),
        (&[auth, services, (key, &short), (url, https)], (url, one)),
        (&[auth, services, (file, &short)], (file, "9 bytes")),
        (
            &[auth, services, (file, "/nowhere")],
            (file, "cannot be read"),
        ),
        (
            &[auth, services, (key, &short)],
            (key, "not a public key in PEM"),
        ),
        (
            &[auth, services, (key, "/nowhere")],
            (key, "cannot be read"),
        ),
        (&[auth, services, (url, http)], (url, safe)),
        (&[auth, services, (url, "id.example")], (url, safe)),
        (&[auth, services], ("AUTH_ISSUER", safe)),
        (
            &[auth, services, ("AUTH_ISSUER", "http://id.example")],
            ("AUTH_ISSUER", safe),
        ),
    ];
    for binary in ["client-service", "shop"] {
        for (given, expected) in cases {
            is_reported(binary, given, expected).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn separate_processes_need_the_secret_of_the_services() -> Result<()> {
    const NAME: &str = "SERVICE_SECRET_FILE";
    let secrets = Secrets::create()?;
    let [auth, services, tokens] = secrets.settings();
    let short = secrets.file("short", "too short")?;
    for binary in BINARIES {
        let tokens = ["client-service", "shop"]
            .contains(&binary)
            .then_some(tokens);
        let with = |given: &[(&'static str, &str)]| -> Vec<(String, String)> {
            let given = given.iter().chain(&tokens);
            given
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect()
        };
        let cases = [
            (with(&[auth, (NAME, &short)]), "9 bytes"),
            (with(&[auth, (NAME, "/nowhere")]), "cannot be read"),
            (
                vec![(NAME.to_owned(), services.1.to_owned())],
                "no value while AUTH is off",
            ),
            (with(&[auth]), "not set"),
        ];
        // A single process needs no secret that others have.
        let cases = cases.iter().take(if binary == "shop" { 3 } else { 4 });
        for (given, rule) in cases {
            let given = given
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()));
            is_reported(binary, &given.collect::<Vec<_>>(), (NAME, rule)).await?;
        }
    }
    Ok(())
}
