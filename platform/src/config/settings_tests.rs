use std::collections::BTreeMap;

use super::{Layers, Settings};
use crate::config::{AppEnv, app_env, args, names};

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn environment(pairs: &[(&str, &str)]) -> Settings {
    Settings::from_layers(Layers {
        environment: map(pairs),
        ..Layers::default()
    })
    .expect("known settings")
}

#[test]
fn the_stronger_layer_wins() {
    let layers = |flags: &[_], environment: &[_], file: &str| Layers {
        flags: map(flags),
        environment: map(environment),
        file: Some(("x.toml".to_owned(), file.to_owned())),
    };
    let pool = |layers| {
        Settings::from_layers(layers)
            .and_then(|settings| settings.get(&names::POOL_SIZE))
            .expect("a size")
    };
    assert_eq!(pool(layers(&[], &[], "")), 8);
    assert_eq!(pool(layers(&[], &[], "[pool]\nsize = 2")), 2);
    let from_env = [("POOL_SIZE", "3")];
    assert_eq!(pool(layers(&[], &from_env, "pool_size = 2")), 3);
    assert_eq!(pool(layers(&[("POOL_SIZE", "4")], &from_env, "")), 4);
    assert_eq!(pool(layers(&[], &[("POOL_SIZE", "")], "pool_size = 2")), 2);
}

#[test]
fn a_wrong_value_is_one_line_with_name_value_and_what_is_accepted() {
    let error = environment(&[("CLIENT_HTTP_ADDR", "here")])
        .get(&names::CLIENT_HTTP_ADDR)
        .expect_err("no address");
    assert_eq!(
        error.to_string(),
        "CLIENT_HTTP_ADDR is \"here\" (from the environment); accepted: an address and a port, \
         such as 127.0.0.1:4000"
    );
    let error = environment(&[("EVENT_STORE_URL", "mysql://me:secret@host/db")])
        .get(&names::EVENT_STORE_URL)
        .expect_err("no engine");
    assert!(!error.to_string().contains("secret"));
    let error = environment(&[])
        .get(&names::EVENT_STORE_URL)
        .expect_err("no default");
    assert!(error.to_string().starts_with("EVENT_STORE_URL is not set"));
}

#[test]
fn blanks_around_a_value_are_no_part_of_it_and_quotes_are_refused() {
    let folder = |text| environment(&[("DATA_DIR", text)]).get(&names::DATA_DIR);
    for given in [
        "/srv/shop",
        "/srv/shop ",
        "\t/srv/shop",
        "/srv/shop\r",
        "/srv/shop\r\n",
    ] {
        assert_eq!(folder(given).as_deref(), Ok("/srv/shop"), "{given:?}");
    }
    for quoted in ["\"/srv/shop\"", "'/srv/shop'", "\"/srv/shop"] {
        let refused = folder(quoted).expect_err("quotes").to_string();
        assert!(refused.starts_with("DATA_DIR is "), "{refused}");
        assert!(
            refused.ends_with("accepted: a folder, without quotes"),
            "{refused}"
        );
    }
    let url = "sqlite:///srv/shop/events.db";
    let read = environment(&[("EVENT_STORE_URL", &format!("{url} \r"))]);
    let read = read.get(&names::EVENT_STORE_URL).expect("a URL");
    assert_eq!(read.as_str(), url);
    // A blank may be part of a secret.
    let password = environment(&[("SMTP_PASSWORD", " a\" ")]).get(&names::SMTP_PASSWORD);
    assert_eq!(password.as_deref(), Ok(" a\" "));
}

#[test]
fn a_file_with_a_typing_error_is_refused() {
    let with = |text: &str| {
        Settings::from_layers(Layers {
            file: Some(("x.toml".to_owned(), text.to_owned())),
            ..Layers::default()
        })
        .expect_err("not a settings file")
        .to_string()
    };
    assert!(with("[pool]\nsizes = 2").contains("POOL_SIZES"));
    assert!(with("[pool").contains("x.toml"));
    assert!(with("pool_size = [1]").contains("POOL_SIZE"));
    assert_eq!(with("a = ").lines().count(), 1);
}

#[test]
fn what_this_version_lacks_is_refused_not_ignored() {
    for (name, value) in [
        ("AUTH", "jwt"),
        ("TLS_CERT_FILE", "/cert.pem"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4317"),
        ("RATE_LIMIT_PER_MINUTE", "10"),
    ] {
        let error = Settings::from_layers(Layers {
            environment: map(&[(name, value)]),
            ..Layers::default()
        })
        .expect_err("not supported");
        assert!(error.to_string().starts_with(name), "{error}");
    }
    environment(&[("AUTH", "off"), ("RATE_LIMIT_PER_MINUTE", "0")]);
}

#[test]
fn without_authentication_only_loopback_is_bound() {
    let wide = "0.0.0.0:4000".parse().expect("an address");
    let near = "[::1]:4000".parse().expect("an address");
    let spec = &names::CLIENT_HTTP_ADDR.spec;
    assert_eq!(
        app_env(&environment(&[]), &[(spec, near)]),
        Ok(AppEnv::Development)
    );
    let error = app_env(
        &environment(&[("CLIENT_HTTP_ADDR", "0.0.0.0:4000")]),
        &[(spec, wide)],
    )
    .expect_err("too wide");
    assert!(error.to_string().contains("0.0.0.0:4000"));
    assert!(error.to_string().contains("INSECURE"));
    let insecure = environment(&[("INSECURE", "true")]);
    assert_eq!(app_env(&insecure, &[(spec, wide)]), Ok(AppEnv::Production));
    let development = environment(&[("INSECURE", "true"), ("APP_ENV", "development")]);
    assert_eq!(
        app_env(&development, &[(spec, wide)]),
        Ok(AppEnv::Development)
    );
}

#[test]
fn an_alias_counts_only_without_the_setting() {
    let alias = ("DATABASE_URL", "sqlite://alias");
    let url = |settings: &Settings| {
        settings
            .get_or(&names::QUERY_DATABASE_URL, &names::DATABASE_URL)
            .expect("a URL")
            .to_string()
    };
    assert_eq!(url(&environment(&[alias])), "sqlite://alias");
    let own = ("QUERY_DATABASE_URL", "sqlite://own");
    assert_eq!(url(&environment(&[alias, own])), "sqlite://own");
}

#[test]
fn flags_carry_the_settings_names() {
    let command =
        clap::Command::new("x").args(args(&[names::POOL_SIZE.spec, names::INSECURE.spec]));
    let matches = command
        .try_get_matches_from(["x", "--pool-size", "5", "--insecure"])
        .expect("flags");
    let settings = Settings::from_process(&matches).expect("settings");
    assert_eq!(settings.get(&names::POOL_SIZE), Ok(5));
    assert_eq!(settings.get(&names::INSECURE), Ok(true));
}

#[test]
fn every_default_is_acceptable_and_every_name_is_there_once() {
    let settings = environment(&[]);
    assert!(settings.get(&names::LOG_LEVEL).is_ok());
    assert!(settings.get(&names::CLIENT_HTTP_ADDR).is_ok());
    let mut all: Vec<_> = names::ALL.iter().map(|spec| spec.name).collect();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), names::ALL.len());
}

#[test]
fn a_fallback_counts_only_where_nobody_gave_a_value() {
    let fallback = |settings: Settings| {
        let spec = &names::EVENT_STORE_URL.spec;
        let settings = settings.fall_back(spec, "sqlite://fallback".to_owned(), "the data folder");
        settings
            .get(&names::EVENT_STORE_URL)
            .expect("a URL")
            .to_string()
    };
    assert_eq!(fallback(environment(&[])), "sqlite://fallback");
    let own = ("EVENT_STORE_URL", "sqlite://own");
    assert_eq!(fallback(environment(&[own])), "sqlite://own");
}
