//! Checks the settings, and the files that they name.

use std::path::Path;

use event_sourcing::{Clock, SystemClock};
use platform::Settings;
use platform::config::{Reader, Setting, names};
use platform::tls::expires_at;

use super::check::{Check, Checks, Status};
use crate::config::ShopConfig;

const DAY_SECONDS: i64 = 86_400;
/// A certificate that is renewed by a program never gets closer to its end.
const RENEWAL_DAYS: i64 = 14;

pub fn check(settings: &Settings) -> Vec<Check> {
    let mut checks = Checks::of("configuration");
    match settings.read(ShopConfig::read) {
        Ok(config) => {
            checks.ok("settings", "valid");
            exposure(&mut checks, &config);
        }
        Err(errors) => {
            for error in errors.to_string().lines() {
                checks.failed(
                    "settings",
                    error,
                    "correct it; a start is rejected until then",
                );
            }
        }
    }
    providers(&mut checks, settings);
    for setting in [&names::TLS_CERT_FILE, &names::SERVICE_CERT_FILE] {
        certificate(&mut checks, settings, setting);
    }
    checks.into_all()
}

/// Without authentication every client may do everything.
fn exposure(checks: &mut Checks, config: &ShopConfig) {
    const NAME: &str = "authentication";
    if config.gateway.tokens.is_some() {
        checks.ok(NAME, "on");
        return;
    }
    let at = &config.addresses;
    let listeners = [at.client_http, at.command_grpc, at.query_grpc];
    let open = listeners
        .iter()
        .find(|listener| !listener.ip().is_loopback());
    match open {
        None => checks.ok(NAME, "off, and only this machine can connect"),
        Some(address) => checks.warning(
            NAME,
            format!("off, and other machines can connect to {address}"),
            "set AUTH=jwt, or listen on loopback only",
        ),
    }
}

/// Simulated providers neither charge nor ship.
fn providers(checks: &mut Checks, settings: &Settings) {
    let shown = settings.read(|reader: &mut Reader| {
        let specs = [
            names::APP_ENV.spec,
            names::PAYMENTS_URL.spec,
            names::SHIPPING_URL.spec,
        ];
        Ok(reader.effective(&specs))
    });
    let Ok(shown) = shown else {
        return;
    };
    let value = |name: &str| {
        let found = shown.iter().find(|setting| setting.name == name);
        found
            .and_then(|setting| setting.value.clone())
            .unwrap_or_default()
    };
    let is_production = value(names::APP_ENV.spec.name) == "production";
    for setting in [&names::PAYMENTS_URL.spec, &names::SHIPPING_URL.spec] {
        let url = value(setting.name);
        let is_simulated = url.starts_with("simulated:");
        let found = if url.is_empty() {
            "not set".to_owned()
        } else {
            url
        };
        let otherwise = (
            Status::Warning,
            "name a real provider: nothing is charged or shipped in production",
        );
        checks.expect(
            setting.name,
            !(is_production && is_simulated),
            otherwise,
            found,
        );
    }
}

fn certificate(checks: &mut Checks, settings: &Settings, setting: &Setting<String>) {
    let name = setting.spec.name;
    let Ok(Some(path)) = settings.read(|reader: &mut Reader| reader.find(setting)) else {
        return;
    };
    let renew = "renew it; processes read the new file by themselves";
    match expires_at(Path::new(&path)) {
        Ok(Some(expiry)) => {
            let days = (expiry - SystemClock.now().timestamp()).div_euclid(DAY_SECONDS);
            if days < 0 {
                checks.failed(name, format!("{path} has expired"), renew);
            } else if days < RENEWAL_DAYS {
                checks.warning(name, format!("{path} expires in {days} days"), renew);
            } else {
                checks.ok(name, format!("{path} expires in {days} days"));
            }
        }
        Ok(None) => checks.unknown(
            name,
            format!("{path}: the time of its expiry cannot be read"),
        ),
        Err(error) => checks.failed(name, error.to_string(), "name a readable file in PEM"),
    }
}
