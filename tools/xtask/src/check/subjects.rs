//! The subjects of the commits since the last tag.

use anyhow::{Context, Result};

use crate::repository::Repository;

const MAX_CHARACTERS: usize = 72;
/// Without a tag the commits count from the one that brought this file, which brought the rule.
const RULE: &str = "tools/xtask/src/check/subjects.rs";

/// Subjects that are too long, or that do not name a component.
pub fn problems(repository: &Repository) -> Result<Vec<String>> {
    let git = |arguments: &[&str]| -> Result<Option<String>> {
        let output = repository.command("git").args(arguments).output();
        let output = output.context("git cannot be started")?;
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Ok((output.status.success() && !text.is_empty()).then_some(text))
    };
    let tag = git(&["describe", "--tags", "--abbrev=0"])?;
    let start = match tag {
        Some(tag) => Some(tag),
        None => git(&["log", "--diff-filter=A", "--format=%H", "-1", "--", RULE])?,
    };
    // An archive without history, or one whose history begins later, has nothing to look at.
    let Some(start) = start else {
        return Ok(Vec::new());
    };
    let subjects = git(&[
        "log",
        "--no-merges",
        "--format=%s",
        &format!("{start}..HEAD"),
    ])?;
    let subjects = subjects.unwrap_or_default();
    Ok(subjects.lines().filter_map(problem).collect())
}

fn problem(subject: &str) -> Option<String> {
    let length = subject.chars().count();
    if length > MAX_CHARACTERS {
        return Some(format!(
            "{subject:?} has {length} characters, {MAX_CHARACTERS} are allowed"
        ));
    }
    let is_component = |text: &str| {
        !text.is_empty()
            && text
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || " ,-_/.".contains(c))
    };
    let has_form = subject.split_once(": ").is_some_and(|(component, what)| {
        is_component(component) && !what.trim().is_empty() && !what.ends_with('.')
    });
    (!has_form).then(|| format!("{subject:?} is not of the form \"component: imperative\""))
}

#[cfg(test)]
mod tests {
    use super::problem;

    #[test]
    fn a_subject_names_its_component_and_fits() {
        assert_eq!(
            problem("event-sourcing, sagas: name what a call returns"),
            None
        );
        let of = |length: usize| format!("x: {}", "a".repeat(length - 3));
        assert_eq!(problem(&of(72)), None);
        for wrong in [
            &of(73),
            "no component",
            "Shop: capital",
            "shop:",
            "shop: ends with a stop.",
            ": empty",
        ] {
            assert!(problem(wrong).is_some(), "{wrong}");
        }
    }
}
