//! The services' third-party crates have the same features in every build.
//!
//! Cargo joins the features that the chosen packages ask for, those of their tests included. A crate that only tests
//! want more of would be built again for them, with all that stands on it.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};

use crate::repository::Repository;

/// What `cargo run` and `cargo build` make.
const SERVICES: [&str; 2] = ["--edges", "normal,build"];
/// What `cargo test --workspace` and clippy make.
const EVERYTHING: [&str; 3] = ["--workspace", "--edges", "normal,build,dev"];

/// The crates that tests would have built again.
pub fn problems(repository: &Repository) -> Result<Vec<String>> {
    let services = builds(&tree(repository, &SERVICES)?);
    let everything = builds(&tree(repository, &EVERYTHING)?);
    Ok(differences(&services, &everything))
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
