//! The links of the documents lead to files and headings that there are.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};

use anyhow::Result;

use crate::repository::{Repository, has_extension};

/// The links to files that do not exist, and to headings that their page does not have.
pub fn problems(repository: &Repository) -> Result<Vec<String>> {
    let pages = repository.files(|path| has_extension(path, "md"))?;
    let headings: BTreeMap<&str, BTreeSet<String>> = pages
        .iter()
        .map(|page| (page.path.as_str(), headings(&page.text)))
        .collect();
    let exists = |path: &str| repository.root().join(path).exists();
    let mut problems = Vec::new();
    for page in &pages {
        for (line, link) in links(&page.text) {
            if let Some(why) = problem(&page.path, &link, &headings, &exists) {
                problems.push(format!("{}:{line}: {link}: {why}", page.path));
            }
        }
    }
    Ok(problems)
}

fn problem(
    page: &str,
    link: &str,
    headings: &BTreeMap<&str, BTreeSet<String>>,
    exists: &dyn Fn(&str) -> bool,
) -> Option<&'static str> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (path, heading) = link.split_once('#').unwrap_or((link, ""));
    let target = if path.is_empty() {
        page.to_owned()
    } else {
        resolved(page, path)
    };
    if !exists(&target) {
        return Some("there is no such file");
    }
    let is_heading = headings
        .get(target.as_str())
        .is_none_or(|of| of.contains(heading));
    (!heading.is_empty() && !is_heading).then_some("the page has no such heading")
}

/// `path`, which is relative to the folder of `page`, from the root.
fn resolved(page: &str, path: &str) -> String {
    let folder = Path::new(page).parent().unwrap_or(Path::new(""));
    let mut parts = Vec::new();
    let joined = folder.join(path);
    for part in joined.components() {
        match part {
            Component::ParentDir => {
                parts.pop();
            }
            Component::Normal(name) => parts.push(name.to_string_lossy()),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    parts.join("/")
}

/// The lines outside of code blocks.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_code = false;
    text.lines().enumerate().filter(move |(_, line)| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    })
}

/// Each link with its line.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut links = Vec::new();
    for (index, line) in prose(text) {
        let mut rest = line;
        while let Some((_, after)) = rest.split_once("](") {
            let (link, after) = after.split_once(')').unwrap_or((after, ""));
            links.push((index + 1, link.to_owned()));
            rest = after;
        }
    }
    links
}

/// The names by which links reach the headings of a page, as GitHub makes them.
fn headings(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (_, line) in prose(text) {
        let title = line.trim_start_matches('#');
        if title == line || !title.starts_with(' ') {
            continue;
        }
        let name = slug(title.trim());
        let numbered = (1..).map(|number| format!("{name}-{number}"));
        let mut free = std::iter::once(name.clone()).chain(numbered);
        let free = free.find(|name| !names.contains(name));
        names.extend(free);
    }
    names
}

fn slug(title: &str) -> String {
    let kept = title.chars().filter_map(|character| match character {
        ' ' => Some('-'),
        '-' | '_' => Some(character),
        _ if character.is_alphanumeric() => Some(character),
        _ => None,
    });
    kept.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# `starting`, or not\n\n## A part\n## A part\n```\n# no heading [x](nowhere.md)\n```\n\
        [one](other.md), [two](../top.md#a-part) and [three](#a-part-1)\n";

    #[test]
    fn headings_have_the_names_that_links_use() {
        let names = headings(PAGE);
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(names, ["a-part", "a-part-1", "starting-or-not"]);
    }

    #[test]
    fn a_link_to_nothing_is_found() {
        let found: Vec<String> = links(PAGE).into_iter().map(|(_, link)| link).collect();
        assert_eq!(found, ["other.md", "../top.md#a-part", "#a-part-1"]);
        let headings =
            BTreeMap::from([("top.md", headings(PAGE)), ("docs/page.md", headings(PAGE))]);
        let exists = |path: &str| headings.contains_key(path);
        let why = |link| problem("docs/page.md", link, &headings, &exists);
        assert_eq!(why("other.md"), Some("there is no such file"));
        assert_eq!(why("../top.md#a-part"), None);
        assert_eq!(
            why("../top.md#a-part-2"),
            Some("the page has no such heading")
        );
        assert_eq!(why("#a-part-1"), None);
        assert_eq!(why("https://example.com/nowhere"), None);
    }
}
