//! Checks the health of the three services, as they report it themselves.

use std::collections::BTreeMap;

use platform::Settings;
use platform::config::{ConfigErrors, Reader, names};
use platform::runtime::{health_report, reachable};
use serde::Deserialize;

use super::check::{Check, Checks, Status};
use crate::location::Location;

/// The report of `/health`.
#[derive(Debug, Deserialize)]
struct Report {
    status: String,
    version: String,
    #[serde(default)]
    services: BTreeMap<String, String>,
}

/// States that need nothing to be done.
const WELL: [&str; 8] = [
    "connected",
    "writable",
    "following",
    "serving",
    "loaded",
    "ok",
    "running",
    "synchronized",
];

pub async fn check(settings: &Settings, location: Result<&Location, &ConfigErrors>) -> Vec<Check> {
    let mut checks = Checks::of("services");
    let Ok(location) = location else {
        checks.unknown("services", "the settings of their addresses are invalid");
        return checks.into_all();
    };
    let ports = settings.read(|reader: &mut Reader| {
        let command = reader.get(&names::COMMAND_METRICS_ADDR);
        let query = reader.get(&names::QUERY_METRICS_ADDR);
        Ok((reachable(command?).port(), reachable(query?).port()))
    });
    let Ok((command_port, query_port)) = ports else {
        checks.unknown("services", "the settings of their addresses are invalid");
        return checks.into_all();
    };
    let mut versions = Vec::new();
    // Health of the services is never encrypted; that of the gateway is as its API.
    let gateway = location.gateway.to_string();
    let asked = [
        ("gateway", gateway, location.health_tls.as_ref()),
        ("write side", location.command.at_port(command_port), None),
        ("read side", location.query.at_port(query_port), None),
    ];
    for (name, address, tls) in asked {
        match health_report(&address, tls).await {
            Ok(body) => versions.extend(report(&mut checks, name, &address, &body)),
            Err(error) => checks.warning(
                name,
                format!("no answer at {address}: {error}"),
                "start it, or correct its address; without it nothing is served",
            ),
        }
    }
    versions.sort();
    versions.dedup();
    if !versions.is_empty() {
        let otherwise = (
            Status::Warning,
            "finish the upgrade: two versions run together only for as long as it takes",
        );
        checks.expect(
            "versions",
            versions.len() == 1,
            otherwise,
            versions.join(", "),
        );
    }
    checks.into_all()
}

/// Adds what a service reports, and returns its version.
fn report(checks: &mut Checks, name: &str, address: &str, body: &str) -> Option<String> {
    let Ok(report) = serde_json::from_str::<Report>(body) else {
        let found = format!("what answers at {address} is no service of a shop");
        checks.failed(name, found, "correct the address");
        return None;
    };
    if report.status == "ok" {
        checks.ok(name, format!("healthy at {address}"));
    } else {
        let services = report.services.iter();
        let unwell = services.filter(|(_, status)| !WELL.contains(&status.as_str()));
        let unwell: Vec<String> = unwell
            .map(|(name, status)| format!("{name}: {status}"))
            .collect();
        checks.failed(
            name,
            format!("unavailable at {address}: {}", unwell.join(", ")),
            "see docs/operations/health.md for each state, and the log of the service",
        );
    }
    Some(report.version)
}
