use std::collections::BTreeMap;

use super::{Layers, Settings};
use crate::config::setting::Spec;
use crate::config::{AppEnv, ConfigErrors, Setting, app_env, args, names};

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn environment(pairs: &[(&str, &str)]) -> Settings {
    Settings::from_environment(pairs.iter().copied())
}

fn get<T>(settings: &Settings, setting: &Setting<T>) -> Result<T, ConfigErrors> {
    settings.read(|reader| reader.get(setting))
}

#[test]
fn the_layer_with_precedence_wins() {
    let layers = |flags: &[_], environment: &[_], file: &str| Layers {
        flags: map(flags),
        environment: map(environment),
        file: Some(("x.toml".to_owned(), file.to_owned())),
    };
    let pool = |layers| get(&Settings::from_layers(layers), &names::POOL_SIZE).expect("a size");
    assert_eq!(pool(layers(&[], &[], "")), 8);
    assert_eq!(pool(layers(&[], &[], "[pool]\nsize = 2")), 2);
    let from_env = [("POOL_SIZE", "3")];
    assert_eq!(pool(layers(&[], &from_env, "pool_size = 2")), 3);
    assert_eq!(pool(layers(&[("POOL_SIZE", "4")], &from_env, "")), 4);
    assert_eq!(pool(layers(&[], &[("POOL_SIZE", "")], "pool_size = 2")), 2);
}

#[test]
fn a_wrong_value_is_one_line_with_name_value_and_what_is_accepted() {
    let error = get(
        &environment(&[("CLIENT_HTTP_ADDR", "here")]),
        &names::CLIENT_HTTP_ADDR,
    )
    .expect_err("no address");
    assert_eq!(
        error.to_string(),
        "CLIENT_HTTP_ADDR is \"here\" (from the environment); accepted: an address and a port, \
         such as 127.0.0.1:4000"
    );
    let error = get(
        &environment(&[("EVENT_STORE_URL", "mysql://me:secret@host/db")]),
        &names::EVENT_STORE_URL,
    )
    .expect_err("no engine");
    assert!(!error.to_string().contains("secret"));
    let error = get(&environment(&[]), &names::EVENT_STORE_URL).expect_err("no default");
    assert!(error.to_string().starts_with("EVENT_STORE_URL is not set"));
}

#[test]
fn blanks_around_a_value_are_trimmed_and_quotes_are_rejected() {
    let folder = |text| get(&environment(&[("DATA_DIR", text)]), &names::DATA_DIR);
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
        let rejected = folder(quoted).expect_err("quotes").to_string();
        assert!(rejected.starts_with("DATA_DIR is "), "{rejected}");
        assert!(
            rejected.ends_with("accepted: a folder without ?, # and % in its path, without quotes"),
            "{rejected}"
        );
    }
    let url = "sqlite:///srv/shop/events.db";
    let read = environment(&[("EVENT_STORE_URL", &format!("{url} \r"))]);
    let read = get(&read, &names::EVENT_STORE_URL).expect("a URL");
    assert_eq!(read.as_str(), url);
    // A blank may be part of a secret.
    let password = get(
        &environment(&[("SMTP_PASSWORD", " a\" ")]),
        &names::SMTP_PASSWORD,
    );
    assert_eq!(password.as_deref(), Ok(" a\" "));
}

#[test]
fn a_file_with_a_typing_error_is_rejected() {
    let with = |text: &str| {
        let settings = Settings::from_layers(Layers {
            file: Some(("x.toml".to_owned(), text.to_owned())),
            ..Layers::default()
        });
        let read = settings.read(|_| Ok(()));
        read.expect_err("not a settings file").to_string()
    };
    assert!(with("[pool]\nsizes = 2").contains("POOL_SIZES"));
    assert!(with("[pool").contains("x.toml"));
    assert!(with("pool_size = [1]").contains("POOL_SIZE"));
    assert!(with("pool_size = 1\n[pool]\nsize = 2").contains("POOL_SIZE is set twice"));
    assert!(
        with("# 1\nmigrate = \"on\"\nmigrate = \"off\"")
            .contains("but line 3, column 1: duplicate")
    );
    assert_eq!(with("a = ").lines().count(), 1);
    assert_eq!(with("a = 1\nb = 2\n").lines().count(), 2);
}

#[test]
fn all_errors_are_reported_together_and_each_once() {
    let settings = Settings::from_layers(Layers {
        flags: map(&[("POOL_SIZE", "")]),
        environment: map(&[("INSECURE", "yes"), ("LOG_LEVEL", "")]),
        file: Some(("x.toml".to_owned(), "colour = 1\nmigrate = true".to_owned())),
    });
    let read = settings.read(|reader| {
        let url = reader.get(&names::EVENT_STORE_URL);
        let twice = [reader.get(&names::INSECURE), reader.get(&names::INSECURE)];
        let migrate = reader.get(&names::MIGRATE);
        let pool_size = reader.get(&names::POOL_SIZE);
        let level = reader.get(&names::LOG_LEVEL);
        let _ = (twice, url?, migrate?, pool_size?, level?);
        Ok(())
    });
    let errors = read.expect_err("nearly all is wrong").to_string();
    let names: Vec<&str> = errors
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    let expected = [
        "--config",
        "EVENT_STORE_URL",
        "INSECURE",
        "MIGRATE",
        "POOL_SIZE",
    ];
    assert_eq!(names, expected, "{errors}");
}

#[test]
fn a_value_that_may_be_in_an_unreadable_file_is_not_reported_as_missing() {
    let read = |text: &str| {
        let settings = Settings::from_layers(Layers {
            environment: map(&[("POOL_SIZE", "many")]),
            file: Some(("x.toml".to_owned(), text.to_owned())),
            ..Layers::default()
        });
        let read = settings.read(|reader| {
            let url = reader.get(&names::EVENT_STORE_URL);
            let pool_size = reader.get(&names::POOL_SIZE);
            Ok((url?, pool_size?))
        });
        read.expect_err("not a file of settings").to_string()
    };
    let errors = read("[pool");
    assert!(errors.starts_with("--config is \"x.toml\""), "{errors}");
    assert!(errors.contains("POOL_SIZE is"), "{errors}");
    assert!(!errors.contains("EVENT_STORE_URL"), "{errors}");
    assert!(read("").contains("EVENT_STORE_URL is not set"));
}

#[test]
fn without_authentication_only_loopback_is_allowed() {
    let listeners = [&names::CLIENT_HTTP_ADDR, &names::QUERY_GRPC_ADDR];
    let env = |given: &[_]| environment(given).read(|reader| app_env(reader, &listeners));
    let wide = ("CLIENT_HTTP_ADDR", "0.0.0.0:4000");
    assert_eq!(
        env(&[("QUERY_GRPC_ADDR", "[::1]:1")]),
        Ok(AppEnv::Development)
    );
    let error = env(&[wide, ("QUERY_GRPC_ADDR", "10.0.0.1:1")]);
    let error = error.expect_err("too wide").to_string();
    assert_eq!(error.matches("INSECURE=true").count(), 2, "{error}");
    assert!(
        error.contains("0.0.0.0:4000") && error.contains("10.0.0.1:1"),
        "{error}"
    );
    let insecure = ("INSECURE", "true");
    assert_eq!(env(&[wide, insecure]), Ok(AppEnv::Production));
    assert_eq!(env(&[wide, ("AUTH", "jwt")]), Ok(AppEnv::Production));
    let development = ("APP_ENV", "development");
    assert_eq!(env(&[wide, insecure, development]), Ok(AppEnv::Development));
    // Also where its value would make no difference.
    let error = env(&[("INSECURE", "yes")])
        .expect_err("no boolean")
        .to_string();
    assert!(error.starts_with("INSECURE is \"yes\""), "{error}");
}

#[test]
fn an_alias_counts_only_without_the_setting() {
    let alias = ("DATABASE_URL", "sqlite://alias");
    let url = |settings: &Settings| {
        let read = settings.read(|reader| {
            let setting = reader.either(&names::QUERY_DATABASE_URL, &names::DATABASE_URL);
            Ok((setting.spec.name, reader.get(setting)?.to_string()))
        });
        read.expect("a URL")
    };
    let (name, alias_url) = url(&environment(&[alias]));
    assert_eq!((name, alias_url.as_str()), alias);
    let own = ("QUERY_DATABASE_URL", "sqlite://own");
    let (name, own_url) = url(&environment(&[alias, own]));
    assert_eq!((name, own_url.as_str()), own);
}

#[test]
fn flags_carry_the_settings_names() {
    let command =
        clap::Command::new("x").args(args(&[names::POOL_SIZE.spec, names::INSECURE.spec]));
    let matches = command
        .try_get_matches_from(["x", "--pool-size", "5", "--insecure"])
        .expect("flags");
    let settings = Settings::from_process(&matches);
    assert_eq!(get(&settings, &names::POOL_SIZE), Ok(5));
    assert_eq!(get(&settings, &names::INSECURE), Ok(true));
}

#[test]
fn a_process_has_settings_of_its_own() {
    const OWN: Setting<u16> = Setting::new("OWN_NUMBER", |text| text.parse().ok(), "a number", "");
    let matches = clap::Command::new("x")
        .args(args(&[OWN.spec]))
        .try_get_matches_from(["x", "--own-number", "7"])
        .expect("flags");
    let with = Settings::from_process_with(&matches, &[OWN.spec]);
    assert_eq!(get(&with, &OWN), Ok(7));
    let without = Settings::from_process(&matches);
    assert!(get(&without, &OWN).is_err());
}

#[test]
fn every_default_parses_and_every_name_is_unique() {
    let settings = environment(&[]);
    assert!(get(&settings, &names::LOG_LEVEL).is_ok());
    assert!(get(&settings, &names::CLIENT_HTTP_ADDR).is_ok());
    let mut all: Vec<_> = names::ALL.iter().map(|spec| spec.name).collect();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), names::ALL.len());
}

/// The names of the settings that a file of `names` defines.
fn defined(file: &str) -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/config/names");
    let source = std::fs::read_to_string(format!("{folder}/{file}")).expect("a source");
    let names = source.lines().filter_map(|line| {
        let (name, of_type) = line.strip_prefix("pub const ")?.split_once(':')?;
        of_type
            .trim()
            .starts_with("Setting<")
            .then(|| name.to_owned())
    });
    names.collect()
}

#[test]
fn the_lists_have_every_setting() {
    let listed = |list: &[Spec], name: &str| list.iter().any(|spec| spec.name == name);
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/config/names");
    let mut found = 0;
    for file in std::fs::read_dir(folder).expect("a folder") {
        for name in defined(&file.expect("a file").file_name().to_string_lossy()) {
            assert!(listed(names::ALL, &name), "{name} is not in ALL");
            found += 1;
        }
    }
    assert!(found > 50, "{found} settings");
    for name in ["providers.rs", "write_side.rs"]
        .into_iter()
        .flat_map(defined)
    {
        let is_listed = listed(names::WRITE_SIDE, &name);
        assert!(is_listed, "{name} is not in WRITE_SIDE");
    }
}

#[test]
fn a_fallback_is_used_only_without_a_given_value() {
    let fallback = |settings: Settings| {
        let read = settings.read(|reader| {
            let spec = &names::EVENT_STORE_URL.spec;
            reader.fall_back(spec, "sqlite://fallback".to_owned(), "the data folder");
            reader.get(&names::EVENT_STORE_URL)
        });
        read.expect("a URL").to_string()
    };
    assert_eq!(fallback(environment(&[])), "sqlite://fallback");
    let own = ("EVENT_STORE_URL", "sqlite://own");
    assert_eq!(fallback(environment(&[own])), "sqlite://own");
}
