//! What is released of the GraphQL schema is only extended.
//!
//! The schema of the working tree is compared with that of the last release: its tag is the newest one of the form `v1.2.3`
//! that the present commit descends from.

mod compare;
mod elements;

use anyhow::{Context, Result};

use self::compare::breaking_changes;
use crate::repository::Repository;

const SDL: &str = "docs/reference/schema.graphql";
const LAST_RELEASE: [&str; 5] = ["describe", "--tags", "--abbrev=0", "--match", "v[0-9]*"];

/// What a client of the last release would miss.
pub fn problems(repository: &Repository) -> Result<Vec<String>> {
    let git = |arguments: &[&str]| -> Result<Option<String>> {
        let output = repository.command("git").args(arguments).output();
        let output = output.context("git cannot be started")?;
        let text = String::from_utf8(output.stdout).context("git printed no UTF-8")?;
        Ok(output.status.success().then_some(text))
    };
    since_release(git, &repository.read(SDL)?)
}

fn since_release(
    git: impl Fn(&[&str]) -> Result<Option<String>>,
    present: &str,
) -> Result<Vec<String>> {
    let Some(tag) = git(&LAST_RELEASE)? else {
        println!("           there is no release yet that {SDL} could be compared with");
        return Ok(Vec::new());
    };
    let tag = tag.trim();
    let released = git(&["show", &format!("{tag}:{SDL}")])?;
    let released = released.with_context(|| format!("{tag} has no {SDL}"))?;
    let changes = breaking_changes(&released, present)?;
    let named = changes
        .iter()
        .map(|change| format!("{SDL}: since {tag} {change}"));
    Ok(named.collect())
}

#[cfg(test)]
mod tests {
    use super::since_release;

    const RELEASED: &str = "type Query { product(id: ID!): String }";

    #[test]
    fn without_a_release_there_is_nothing_to_compare() {
        let found = since_release(|_| Ok(None), "type Query { shop: ID }").unwrap();
        assert!(found.is_empty());
    }

    #[test]
    fn the_schema_is_compared_with_that_of_the_last_release() {
        let git = |arguments: &[&str]| {
            let printed = match arguments {
                ["describe", ..] => "v1.2.0\n",
                ["show", "v1.2.0:docs/reference/schema.graphql"] => RELEASED,
                other => panic!("git {other:?}"),
            };
            Ok(Some(printed.to_owned()))
        };
        assert!(since_release(git, RELEASED).unwrap().is_empty());
        let found = since_release(git, "type Query { shop: ID }").unwrap();
        assert_eq!(
            found,
            ["docs/reference/schema.graphql: since v1.2.0 Query.product is removed"]
        );
    }

    #[test]
    fn a_release_without_a_schema_is_an_error() {
        let git =
            |arguments: &[&str]| Ok((arguments[0] == "describe").then(|| "v1.2.0\n".to_owned()));
        assert!(since_release(git, RELEASED).is_err());
    }
}
