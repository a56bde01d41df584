//! `cargo xtask new-domain`: a system of one's own, as a copy of `templates/my-system` under another name.
//!
//! The template is a crate that CI builds and tests, so that it cannot rot. A copy depends on this checkout, or on its
//! repository, and on nothing of the shop.

mod copy;
mod name;
mod options;

use anyhow::{Context, Result, bail};

use crate::repository::Repository;
use name::Name;
use options::Options;

/// Makes it, and prints what to do next.
pub fn run(repository: &Repository, arguments: &[String]) -> Result<()> {
    let options = Options::parse(arguments)?;
    let template = copy::template(repository)?;
    let name = Name::parse(&options.name)?;
    if let Some(used) = template.uses(&name) {
        bail!("the name {:?} is taken: {used}", options.name);
    }
    let folder = options.folder(repository.root())?;
    let source = options.source(repository.root())?;
    template.write(&name, &source, &folder)?;
    format(repository, &folder)?;
    println!(
        "{} is in {}. To try it:\n\n  cd {}\n  cargo test\n  cargo run\n\nIts README.md is a tour of it.",
        name.kebab(),
        folder.display(),
        folder.display(),
    );
    Ok(())
}

/// Another name has another length and another place in a sorted list.
fn format(repository: &Repository, folder: &std::path::Path) -> Result<()> {
    let formatted = repository
        .command("cargo")
        .arg("fmt")
        .arg("--manifest-path")
        .arg(folder.join("Cargo.toml"))
        .status()
        .context("cannot run cargo fmt")?;
    if !formatted.success() {
        eprintln!("The code is not formatted, because cargo fmt failed. It builds nevertheless.");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
