//! `WEBHOOKS_FILE`: what is read, what is rejected, and what errors show of it.

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use event_sourcing::Clock;
use platform::config::{ConfigErrors, Layers, Settings};
use providers::WebhookSettings;
use test_log::CapturedLog;
use tracing::Level;

use super::{File, NEXT_SECRET, SECRET, TYPES, endpoint};
use crate::support::clock;

const URL: &str = "https://warehouse.example/hooks";

fn read(text: &str) -> Result<WebhookSettings, ConfigErrors> {
    File::new(text).read()
}

/// The problems that stop a start, in one line.
#[track_caller]
fn rejected(text: &str) -> String {
    let error = read(text).expect_err("it is rejected").to_string();
    assert!(!error.contains("whsec_M"), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
    let (_, problems) = error
        .split_once("a TOML file with [[endpoint]] tables, but ")
        .expect("the setting");
    assert!(error.starts_with("WEBHOOKS_FILE is "), "{error}");
    problems.to_owned()
}

/// The file with this line in place of the valid one.
fn with(line: &str) -> String {
    let (field, _) = line.split_once('=').expect("a line");
    let good = endpoint(URL, "timeout_ms = 2000");
    let lines = good.lines().filter(|other| !other.starts_with(field));
    lines.chain([line, ""]).collect::<Vec<_>>().join("\n")
}

#[test]
fn without_the_setting_there_are_no_endpoints() {
    let settings = Settings::from_layers(Layers::default());
    let read = settings.read(|reader| WebhookSettings::read(reader, &TYPES));
    assert!(read.expect("settings").is_none());
}

#[test]
fn an_endpoint_has_a_name_a_url_a_secret_and_its_events() {
    let text = format!(
        "source = \"https://shop.example\"\n{}\n{}",
        with("timeout_ms = 2000"),
        "[[endpoint]]\nname = \"books\"\nurl = \"http://localhost:8080/?k=v\"\n\
         secret = [\"SECRET\", \"NEXT\"]\nevents = [\"OrderCreated\"]\nca_file = \"/etc/ca.pem\"\n"
            .replace("SECRET", SECRET)
            .replace("NEXT", NEXT_SECRET)
    );
    let settings = read(&text).expect("endpoints");
    assert_eq!(settings.source, "https://shop.example");
    let [warehouse, books] = &settings.endpoints[..] else {
        panic!("{settings:?}");
    };
    assert_eq!(warehouse.name, "warehouse");
    assert_eq!(warehouse.timeout, Duration::from_secs(2));
    assert!(
        TYPES
            .iter()
            .all(|&name| warehouse.event_types.contains(name))
    );
    assert_eq!(warehouse.event_types.len(), TYPES.len());
    assert_eq!(books.timeout, Duration::from_secs(15));
    assert_eq!(books.event_types.len(), 1);
    assert!(books.event_types.contains("OrderCreated"));
    let ca_file = books.ca_file.as_deref().and_then(std::path::Path::to_str);
    assert_eq!(ca_file, Some("/etc/ca.pem"));
}

#[test]
fn the_source_has_a_default() {
    let settings = read(&endpoint(URL, "")).expect("an endpoint");
    assert_eq!(settings.source, "/shop");
}

#[test]
fn each_invalid_value_is_reported_with_its_endpoint_and_field() {
    for (line, expected) in [
        (
            "name = \"Ware house\"",
            "endpoint 1 has name = \"Ware house\"; it takes 1 to 64 of a-z, 0-9 and -",
        ),
        (
            "url = \"http://warehouse.example/secret\"",
            "endpoint \"warehouse\" has url = \"http://warehouse.example/***\"; it takes \
             https://HOST/PATH, or http:// on this machine",
        ),
        ("url = \"ftp://h\"", "has url = \"ftp://h\""),
        ("url = \"https://me:pw@h/\"", "has url = \"https://***@h/\""),
        ("url = 7", "has url = 7"),
        (
            "secret = \"whsec_MTIz\"",
            "has secret = whsec_ with 3 bytes; it takes whsec_ and the base64 of 24 to 64 bytes, or \
             a list of 1 to 4",
        ),
        ("secret = []", "has secret = a list of 0"),
        ("secret = 12345", "has secret = integer"),
        (
            "secret = \"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"",
            "has secret = a text without whsec_",
        ),
        (
            "events = [\"OrderCreated\", \"OrderShiped\"]",
            "endpoint \"warehouse\" has events = \"OrderShiped\"; it takes \"all\" or a list of \
             OrderCreated, OrderConfirmed, ProductCreated",
        ),
        ("events = \"OrderCreated\"", "has events = \"OrderCreated\""),
        ("events = []", "has events = an empty list"),
        ("events = [[\"OrderCreated\"]]", "has events = a list"),
        ("events = { all = true }", "has events = a table"),
        ("timeout_ms = 0", "has timeout_ms = 0; it takes 1 to 60000"),
        ("timeout_ms = 60001", "has timeout_ms = 60001"),
        ("timeout_ms = 1.5", "has timeout_ms = 1.5"),
        ("ca_file = true", "has ca_file = true; it takes a path"),
        (
            "event = \"all\"",
            "endpoint \"warehouse\" has the unknown key \"event\"; the keys are name, url, secret, \
             events, timeout_ms, ca_file",
        ),
    ] {
        let problem = rejected(&with(line));
        assert!(problem.contains(expected), "{line}: {problem}");
        assert!(!problem.contains("; endpoint"), "one problem: {problem}");
    }
}

#[test]
fn problems_of_the_whole_file_are_reported() {
    for (text, expected) in [
        (String::new(), "the file has no endpoint; it takes 1 to 64"),
        (
            "endpoint = []\n".to_owned(),
            "the file has endpoint = a list of 0",
        ),
        (
            format!("sources = \"/a\"\n{}", with("name = \"a\"")),
            "the file has the unknown key \"sources\"",
        ),
        (
            format!("source = \"a b\"\n{}", with("name = \"a\"")),
            "the file has source = \"a b\"",
        ),
        (
            format!("{}{}", with("name = \"a\""), with("name = \"a\"")),
            "endpoint \"a\" is there twice",
        ),
        (
            endpoint(URL, "").repeat(65),
            "the file has endpoint = a list of 65",
        ),
    ] {
        let problem = rejected(&text);
        assert!(problem.contains(expected), "{problem}");
    }
}

#[test]
fn all_problems_are_reported_together() {
    let empty = rejected("[[endpoint]]\n[[endpoint]]\nname = \"b\"\n");
    for expected in [
        "endpoint 1 has no name",
        "endpoint 1 has no url",
        "endpoint 1 has no secret",
        "endpoint 1 has no events",
        "endpoint \"b\" has no url",
    ] {
        assert!(empty.contains(expected), "{expected:?} is not in: {empty}");
    }
}

#[test]
fn an_unreadable_file_is_reported() {
    let file = File::new("");
    std::fs::remove_file(&file.path).expect("it was there");
    let error = file.read().expect_err("no file").to_string();
    assert!(
        error.contains("this one cannot be read: entity not found"),
        "{error}"
    );
}

/// Also if the secret is in a wrong place, or the file cannot be parsed.
#[test]
fn no_secret_is_shown() {
    for text in [
        with(&format!("secret = {SECRET}")),
        with(&format!("secret = \"{SECRET}")),
        with(&format!("secret = \"{SECRET}\"\nsecret = \"{SECRET}\"")),
        with(&format!("secret = \"x{SECRET}\"")),
        with(&format!("secret = {{ value = \"{SECRET}\" }}")),
        with(&format!("name = \"{SECRET}\"")),
        with(&format!("url = \"{SECRET}\"")),
        with(&format!("url = \"https://h:{SECRET}/x\"")),
        with(&format!("events = [\"{SECRET}\"]")),
        with(&format!("events = \"{SECRET}\"")),
        with(&format!("timeout_ms = \"{SECRET}\"")),
        with(&format!("\"{SECRET}\" = 1")),
        format!("source = \"<{SECRET}>\"\n{}", endpoint(URL, "")),
    ] {
        rejected(&text);
    }
    assert!(rejected(&with(&format!("secret = {SECRET}"))).contains("line 6 is not TOML"));
    let settings = read(&endpoint("https://h/path-that-lets-in?token=x", "")).expect("it is good");
    let publishers = settings.publishers(&clock()).expect("publishers");
    let shown = format!("{settings:?} {publishers:?}");
    for secret in ["whsec_", "MfKQ9", "path-that-lets-in", "token"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn a_warning_is_logged_if_other_users_can_read_the_file() {
    let clock: std::sync::Arc<dyn Clock> = clock();
    let warned = |mode: u32| {
        let file = File::new(&endpoint(URL, ""));
        set_permissions(&file.path, Permissions::from_mode(mode)).expect("rights");
        let settings = file.read().expect("an endpoint");
        let (log, _logging) = CapturedLog::from(Level::WARN);
        settings.publishers(&clock).expect("publishers");
        let text = log.text();
        text.contains("other users of this machine") && text.contains("webhooks.toml")
    };
    assert!(warned(0o644));
    assert!(!warned(0o600));
}
