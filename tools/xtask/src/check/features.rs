//! The services' third-party crates have the same features in every build, and no binary has the testing kits.
//!
//! Cargo joins the features that the chosen packages ask for, those of their tests included. A crate that only tests
//! want more of would be built again for them, with all that stands on it. Our own crates are the exception: what they have
//! for tests has the feature `testing`, which dev-dependencies enable and a build of the binaries must not.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};

use crate::repository::Repository;

/// What `cargo run` and `cargo build` make.
const SERVICES: [&str; 2] = ["--edges", "normal,build"];
/// What `cargo test --workspace` and clippy make.
const EVERYTHING: [&str; 3] = ["--workspace", "--edges", "normal,build,dev"];
/// What our crates have for tests alone.
const TESTING: &str = "testing";

/// The crates that tests would have built again, and those whose testing kit is in a binary.
pub fn problems(repository: &Repository) -> Result<Vec<String>> {
    let services = tree(repository, &SERVICES)?;
    let everything = builds(&tree(repository, &EVERYTHING)?);
    let mut problems = differences(&builds(&services), &everything);
    problems.extend(testing_kits(&services));
    Ok(problems)
}

fn tree(repository: &Repository, selection: &[&str]) -> Result<String> {
    let output = repository
        .command("cargo")
        .args(["tree", "--locked", "--quiet", "--prefix", "none"])
        .args(["--format", "{p} [{f}]"])
        .args(selection)
        .output()
        .context("cannot run cargo tree")?;
    if !output.status.success() {
        bail!("cargo tree: {}", String::from_utf8_lossy(&output.stderr));
    }
    String::from_utf8(output.stdout).context("cargo tree writes no text")
}

/// The lines of third-party crates, each with its features. Ours name their folder.
fn builds(tree: &str) -> BTreeSet<String> {
    tree.lines()
        .filter(|line| !line.is_empty() && !line.contains(" (/"))
        .map(|line| line.replace(" (*)", "").replace(" (proc-macro)", ""))
        .collect()
}

/// Our crates that the binaries have with their testing kit.
fn testing_kits(tree: &str) -> BTreeSet<String> {
    tree.lines()
        .filter_map(|line| {
            let (package, features) = line.trim_end_matches(" (*)").split_once(" (/")?;
            let (_, features) = features.trim_end_matches(']').split_once(" [")?;
            features
                .split(',')
                .any(|feature| feature == TESTING)
                .then(|| format!("the binaries have the feature `{TESTING}` of {package}: only dev-dependencies may enable it"))
        })
        .collect()
}

fn differences(services: &BTreeSet<String>, everything: &BTreeSet<String>) -> Vec<String> {
    services
        .difference(everything)
        .map(|build| {
            format!("the services take {build}, tests other features: name them in Cargo.toml")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_testing_kit_in_a_binary_is_named() {
        let without =
            "shop v0.1.0 (/src/shop) []\nkit v0.1.0 (/src/kit) [more]\ntokio v1.0.0 [testing]\n";
        assert!(testing_kits(without).is_empty());
        let with = "shop v0.1.0 (/src/shop) []\nkit v0.1.0 (/src/kit) [more,testing] (*)\n";
        let problems: Vec<_> = testing_kits(with).into_iter().collect();
        assert_eq!(problems.len(), 1);
        assert!(problems[0].contains("kit v0.1.0"), "{problems:?}");
    }

    #[test]
    fn a_crate_that_tests_want_more_of_is_named() {
        let services = builds(
            "shop v0.1.0 (/src/shop) []\ntokio v1.0.0 [rt]\nsyn v2.0.0 (proc-macro) [full] (*)\n",
        );
        assert_eq!(services.len(), 2);
        let same = builds("syn v2.0.0 [full]\ntokio v1.0.0 [rt] (*)\nrand v0.1.0 []\n");
        assert!(differences(&services, &same).is_empty());
        let more = builds("syn v2.0.0 [full]\ntokio v1.0.0 [rt,test-util]\n");
        assert_eq!(
            differences(&services, &more),
            ["the services take tokio v1.0.0 [rt], tests other features: name them in Cargo.toml"]
        );
    }
}
