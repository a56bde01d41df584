//! Reads the template, and writes it under another name.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::name::Name;
use super::options::Source;
use crate::repository::{Repository, SourceFile, has_extension};

const FOLDER: &str = "templates/my-system/";
/// How the template's manifest names the checkout.
const CHECKOUT: &str = "path = \"../../";
/// The versions that the template was tested with.
const LOCK: &str = "Cargo.lock";

/// The template's files, by their paths in it.
#[derive(Debug)]
pub(super) struct Template(Vec<SourceFile>);

pub(super) fn template(repository: &Repository) -> Result<Template> {
    let mut files = repository.files(|path| path.starts_with(FOLDER) && !path.ends_with(LOCK))?;
    for file in &mut files {
        file.path = file.path.split_off(FOLDER.len());
    }
    let path = LOCK.to_owned();
    let text = repository.read(LOCK)?;
    files.push(SourceFile { path, text });
    Ok(Template(files))
}

impl Template {
    /// Why the template cannot have this name, if a type or a dependency of it has the name already.
    pub(super) fn uses(&self, name: &Name) -> Option<String> {
        let (pascal, snake) = (name.pascal(), name.snake());
        let is_word = |text: &str, word: &str| {
            let is_part = |c: char| c.is_alphanumeric() || c == '_';
            text.split(|c| !is_part(c)).any(|one| one == word)
        };
        let mut code = self.0.iter().filter(|file| has_extension(&file.path, "rs"));
        if code.any(|file| is_word(&file.text, &pascal)) {
            return Some(format!("the code of the template has the name {pascal}"));
        }
        let manifest = self.0.iter().find(|file| file.path == "Cargo.toml")?;
        let mut dependencies = manifest
            .text
            .lines()
            .filter_map(|line| line.split_once(" = "));
        dependencies
            .any(|(dependency, _)| dependency.replace('-', "_") == snake)
            .then(|| format!("the template depends on a crate {snake}"))
    }

    /// Writes the copy into `folder`, all of it or nothing.
    pub(super) fn write(&self, name: &Name, source: &Source, folder: &Path) -> Result<()> {
        let unfinished = next_to(folder)?;
        let written = self.write_files(name, source, &unfinished);
        let moved = written.and_then(|()| {
            fs::rename(&unfinished, folder)
                .with_context(|| format!("cannot make {}", folder.display()))
        });
        if moved.is_err() {
            // What failed is the error to report.
            let _ = fs::remove_dir_all(&unfinished);
        }
        moved
    }

    fn write_files(&self, name: &Name, source: &Source, folder: &Path) -> Result<()> {
        for file in &self.0 {
            let path = folder.join(renamed(&file.path, name));
            let parent = path.parent().unwrap_or(folder);
            fs::create_dir_all(parent)
                .with_context(|| format!("cannot make the folder {}", parent.display()))?;
            let text = match file.path.as_str() {
                LOCK => file.text.clone(),
                "Cargo.toml" => renamed(&with_source(&file.text, source), name),
                _ => renamed(&file.text, name),
            };
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }
}

/// A folder of this process next to `folder`, so that moving it there is one step.
fn next_to(folder: &Path) -> Result<PathBuf> {
    let last = folder.file_name().context("the folder has no name")?;
    let unfinished = format!(".{}.unfinished-{}", last.display(), std::process::id());
    Ok(folder.with_file_name(unfinished))
}

fn renamed(text: &str, name: &Name) -> String {
    text.replace("my-system", name.kebab())
        .replace("my_system", &name.snake())
        .replace("MySystem", &name.pascal())
}

/// The manifest with its dependencies on the checkout, or on the repository.
fn with_source(manifest: &str, source: &Source) -> String {
    match source {
        Source::Path(checkout) => {
            let path = format!("path = \"{}/", checkout.trim_end_matches('/'));
            manifest.replace(CHECKOUT, &path)
        }
        Source::Git(url) => {
            let lines = manifest
                .lines()
                .map(|line| match line.split_once(CHECKOUT) {
                    Some((before, rest)) => {
                        let after = rest.split_once('"').map_or("", |(_, after)| after);
                        format!("{before}git = \"{url}\"{after}\n")
                    }
                    None => format!("{line}\n"),
                });
            lines.collect()
        }
    }
}
