//! Third-party crates: versions stand in the root `Cargo.toml` alone, each with its reason.

use anyhow::Result;

use crate::repository::Repository;

/// The lines without a reason, and the versions outside the root.
pub fn problems(repository: &Repository) -> Result<Vec<String>> {
    let mut problems = without_reason(&repository.read("Cargo.toml")?);
    for file in repository.files(is_member)? {
        problems.extend(with_version(&file.path, &file.text));
    }
    Ok(problems)
}

/// The tutorial's crate and the template of a new system are outside of the workspace, as their readers' are, and so are the
/// fuzz targets.
fn is_member(path: &str) -> bool {
    let is_outside = ["docs/tutorial/", "fuzz/", "templates/"]
        .iter()
        .any(|folder| path.starts_with(folder));
    path.ends_with("/Cargo.toml") && !is_outside
}

/// The entries of `[workspace.dependencies]` that come from elsewhere and do not say what for. An entry may go over
/// several lines; its reason stands at the end of the last one.
fn without_reason(manifest: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let mut entry = String::new();
    for line in section_lines(manifest, |section| section == "workspace.dependencies") {
        let trimmed = line.trim();
        if entry.is_empty() && (trimmed.is_empty() || trimmed.starts_with('#')) {
            continue;
        }
        entry.push_str(trimmed);
        let (code, comment) = split_comment(&entry);
        if is_open(code) {
            entry.push(' ');
            continue;
        }
        let reason = comment.unwrap_or_default().trim();
        if !code.contains("path =") && reason.split_whitespace().count() < 2 {
            let name = code.split(['=', '.']).next().unwrap_or(code).trim();
            problems.push(format!(
                "Cargo.toml: {name} has no reason at the end of its line"
            ));
        }
        entry.clear();
    }
    problems
}

/// The dependencies of a member that do not take their version from the workspace. A member names itself by its path.
fn with_version(path: &str, manifest: &str) -> Vec<String> {
    section_lines(manifest, |section| section.ends_with("dependencies"))
        .map(|line| split_comment(line.trim()).0.trim())
        .filter(|code| code.contains('=') && !code.contains("workspace = true"))
        .filter(|code| !code.contains("path = \".\""))
        .filter(|code| !code.starts_with(['"', ']', '}']))
        .map(|code| format!("{path}: {code}: write `workspace = true`, the version in the root"))
        .collect()
}

/// The lines of the sections whose name `wanted` accepts.
fn section_lines(manifest: &str, wanted: impl Fn(&str) -> bool) -> impl Iterator<Item = &str> {
    let mut inside = false;
    manifest.lines().filter(move |line| {
        match line
            .strip_prefix('[')
            .and_then(|rest| rest.split(']').next())
        {
            Some(section) => {
                inside = wanted(section);
                false
            }
            None => inside,
        }
    })
}

/// Code, and the comment after it: a `#` outside quotes.
fn split_comment(line: &str) -> (&str, Option<&str>) {
    let mut quoted = false;
    for (at, character) in line.char_indices() {
        match character {
            '"' => quoted = !quoted,
            '#' if !quoted => return (&line[..at], Some(&line[at + 1..])),
            _ => {}
        }
    }
    (line, None)
}

fn is_open(code: &str) -> bool {
    let count = |character| code.matches(character).count();
    count('{') > count('}') || count('[') > count(']')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_reason_is_found() {
        let manifest = "\
[workspace.dependencies]
# Ours.
ours = { path = \"kernel/ours\" }
good = \"1\" # what it is for
bad = \"1\"
short = { version = \"1\", features = [\"#\"] } # x
long = { version = \"1\", features = [
  \"a\",
] } # what it is for

[profile.dev]
other = 1
";
        let problems = without_reason(manifest);
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems[0].contains("bad") && problems[1].contains("short"));
    }

    #[test]
    fn the_crates_outside_of_the_workspace_are_no_members() {
        assert!(is_member("kernel/sagas/Cargo.toml"));
        assert!(!is_member("docs/tutorial/Cargo.toml"));
        assert!(!is_member("fuzz/Cargo.toml"));
        assert!(!is_member("templates/my-system/Cargo.toml"));
    }

    #[test]
    fn a_version_in_a_member_is_found() {
        let manifest = "\
[package]
version = \"1\"
[dependencies]
good.workspace = true
fine = { workspace = true, features = [\"x\"] }
itself = { path = \".\", features = [\"x\"] }
[dev-dependencies]
bad = \"1\"
[target.'cfg(unix)'.dependencies]
worse = { path = \"../worse\" }
";
        let problems = with_version("a/Cargo.toml", manifest);
        assert_eq!(problems.len(), 2, "{problems:?}");
    }
}
