//! A top-level folder is a tier, and dependencies point down.
//!
//! ```text
//! services, tools (e2e, benches)
//!        ↓
//! providers
//!        ↓
//! command-database
//!        ↓
//! contract → platform (one crate of its own folder may use another), domain
//!        ↓
//! kernel  ←  adapters (they depend on the kernel alone)  ←  event-store-any, which opens either
//! ```

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::repository::Repository;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tier {
    Kernel,
    Adapter,
    /// What chooses between adapters.
    AnyAdapter,
    Domain,
    Contract,
    Platform,
    /// The write side's own database, below all that keep something in it.
    CommandDatabase,
    Providers,
    Service,
    /// `shop`, which holds the three services.
    Shop,
    /// Tools, end-to-end tests and benches.
    Tool,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_root: String,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    manifest_path: String,
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    name: String,
    /// Nothing for a normal one.
    kind: Option<String>,
    /// Set for our own crates.
    path: Option<String>,
}

/// The dependencies that point up or sideways.
pub fn problems(repository: &Repository) -> Result<Vec<String>> {
    let output = repository
        .command("cargo")
        .args(["metadata", "--format-version", "1", "--no-deps", "--locked"])
        .output()
        .context("cannot run cargo metadata")?;
    if !output.status.success() {
        bail!(
            "cargo metadata: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let metadata = serde_json::from_slice(&output.stdout).context("cannot read its answer")?;
    Ok(upward(&metadata))
}

fn upward(metadata: &Metadata) -> Vec<String> {
    let root = &metadata.workspace_root;
    let mut problems = Vec::new();
    for package in &metadata.packages {
        let folder = package.manifest_path.trim_end_matches("/Cargo.toml");
        let Some(from) = tier_of(root, folder) else {
            problems.push(format!("{} lies in no tier: {folder}", package.name));
            continue;
        };
        for dependency in &package.dependencies {
            let Some(path) = &dependency.path else {
                continue;
            };
            let for_tests = dependency.kind.as_deref() == Some("dev");
            match tier_of(root, path) {
                Some(to) if may(from, to, for_tests) => {}
                to => problems.push(format!(
                    "{} ({from:?}) depends on {} ({to:?})",
                    package.name, dependency.name
                )),
            }
        }
    }
    problems
}

fn tier_of(root: &str, folder: &str) -> Option<Tier> {
    let relative = folder.strip_prefix(root)?.trim_start_matches('/');
    match relative.split('/').collect::<Vec<_>>().as_slice() {
        [
            "kernel",
            "event-handler-sql"
            | "event-sourcing"
            | "event-sourcing-derive"
            | "event-store-conformance"
            | "idempotency-sql"
            | "sagas"
            | "sql-database",
        ] => Some(Tier::Kernel),
        ["kernel", "event-store-any"] => Some(Tier::AnyAdapter),
        ["kernel", _] => Some(Tier::Adapter),
        ["domain"] => Some(Tier::Domain),
        ["contract"] => Some(Tier::Contract),
        ["platform"] | ["platform", _] => Some(Tier::Platform),
        ["command-database"] => Some(Tier::CommandDatabase),
        ["providers"] => Some(Tier::Providers),
        ["services", "shop"] => Some(Tier::Shop),
        ["services", _] => Some(Tier::Service),
        ["tools", _] | ["e2e" | "benches"] => Some(Tier::Tool),
        _ => None,
    }
}

fn may(from: Tier, to: Tier, for_tests: bool) -> bool {
    use Tier::{
        Adapter, AnyAdapter, CommandDatabase, Contract, Domain, Kernel, Platform, Providers,
        Service, Shop, Tool,
    };
    // A test may use tools and engines, and a service's the services that it talks to.
    if for_tests && (matches!(to, Tool | Adapter) || (from, to) == (Service, Service)) {
        return true;
    }
    match from {
        Kernel | Adapter | Domain => to == Kernel,
        Platform => matches!(to, Platform | Kernel),
        AnyAdapter => matches!(to, Adapter | Kernel),
        Contract => matches!(to, Platform | Domain | Kernel),
        CommandDatabase => matches!(to, Platform | Kernel),
        Providers => matches!(to, CommandDatabase | Platform | Domain | Kernel),
        Service => !matches!(to, Service | Shop | Tool),
        Shop => !matches!(to, Shop | Tool),
        Tool => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(folder: &str, on: &str, kind: Option<&str>) -> Metadata {
        Metadata {
            workspace_root: "/w".to_owned(),
            packages: vec![Package {
                name: "from".to_owned(),
                manifest_path: format!("/w/{folder}/Cargo.toml"),
                dependencies: vec![Dependency {
                    name: "to".to_owned(),
                    kind: kind.map(str::to_owned),
                    path: Some(format!("/w/{on}")),
                }],
            }],
        }
    }

    #[test]
    fn upward_dependencies_are_found() {
        for (from, to) in [
            ("kernel/event-sourcing", "domain"),
            ("kernel/event-store-sqlite", "kernel/event-store-postgres"),
            ("kernel/event-store-sqlite", "kernel/event-store-any"),
            ("domain", "platform"),
            ("contract", "services/shop"),
            ("command-database", "services/command-service"),
            ("platform", "command-database"),
            ("platform/graphql-http", "contract"),
            ("command-database", "providers"),
            ("providers", "contract"),
            ("services/query-service", "services/command-service"),
            ("services/query-service", "tools/test-postgres"),
            ("domain", "elsewhere"),
        ] {
            let problems = upward(&metadata(from, to, None));
            assert_eq!(problems.len(), 1, "{from} → {to}");
        }
    }

    #[test]
    fn downward_ones_and_those_of_tests_are_good() {
        for (from, to, kind) in [
            ("kernel/event-store-sqlite", "kernel/event-sourcing", None),
            ("kernel/event-store-sqlite", "kernel/sql-database", None),
            ("kernel/event-store-any", "kernel/event-store-sqlite", None),
            ("domain", "kernel/event-sourcing", None),
            ("services/query-service", "kernel/event-store-any", None),
            ("services/command-service", "command-database", None),
            ("services/command-service", "providers", None),
            ("providers", "command-database", None),
            ("providers", "domain", None),
            ("command-database", "platform", None),
            ("contract", "platform/grpc-calls", None),
            ("platform/graphql-http", "platform", None),
            ("services/shop", "services/query-service", None),
            ("services/query-service", "tools/test-postgres", Some("dev")),
            ("domain", "kernel/event-store-sqlite", Some("dev")),
            (
                "services/client-service",
                "services/query-service",
                Some("dev"),
            ),
            ("e2e", "tools/test-postgres", None),
        ] {
            let problems = upward(&metadata(from, to, kind));
            assert!(problems.is_empty(), "{problems:?}");
        }
    }

    #[test]
    fn a_crate_in_no_tier_is_found() {
        let problems = upward(&metadata("misc/thing", "domain", None));
        assert!(problems[0].contains("no tier"), "{problems:?}");
    }
}
