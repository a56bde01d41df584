//! The arguments.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

const USAGE: &str = "usage: cargo xtask new-domain NAME [--at DIR] [--git URL]";

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Options {
    pub(super) name: String,
    /// The folder to make; by default one of the name next to the checkout.
    at: Option<PathBuf>,
    /// The repository to depend on; by default the checkout.
    git: Option<String>,
}

impl Options {
    pub(super) fn parse(arguments: &[String]) -> Result<Self> {
        let (mut name, mut at, mut git) = (None, None, None);
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let place = match argument.as_str() {
                "--at" => &mut at,
                "--git" => &mut git,
                flag if flag.starts_with('-') => bail!("there is no option {flag}; {USAGE}"),
                _ if name.is_none() => {
                    name = Some(argument.clone());
                    continue;
                }
                more => bail!("there is one name, got also {more:?}; {USAGE}"),
            };
            let value = rest.next().filter(|value| !value.is_empty());
            let value = value.with_context(|| format!("{argument} needs a value; {USAGE}"))?;
            if place.replace(value.clone()).is_some() {
                bail!("{argument} is given twice; {USAGE}");
            }
        }
        Ok(Self {
            name: name.context(USAGE)?,
            at: at.map(PathBuf::from),
            git,
        })
    }

    /// The folder to make, which must not exist, in one that does.
    pub(super) fn folder(&self, checkout: &Path) -> Result<PathBuf> {
        let folder = match &self.at {
            Some(at) => std::path::absolute(at).context("cannot tell the folder's path")?,
            None => checkout.parent().unwrap_or(checkout).join(&self.name),
        };
        if folder.symlink_metadata().is_ok() {
            bail!(
                "{} exists already: name another with --at",
                folder.display()
            );
        }
        let parent = folder.parent().filter(|parent| parent.is_dir());
        if parent.is_none() {
            bail!(
                "the folder that {} shall be in does not exist",
                folder.display()
            );
        }
        Ok(folder)
    }

    /// What replaces `path = "../..` of a dependency in the template's manifest, up to its folder.
    pub(super) fn source(&self, checkout: &Path) -> Result<Source> {
        let text = match &self.git {
            Some(url) => url.as_str(),
            None => checkout
                .to_str()
                .context("the checkout's path is not UTF-8")?,
        };
        if text
            .chars()
            .any(|c| c.is_control() || matches!(c, '"' | '\\'))
        {
            bail!(
                "{text:?} cannot be written into a manifest: it has quotes, backslashes or control characters"
            );
        }
        Ok(match &self.git {
            Some(url) => Source::Git(url.clone()),
            None => Source::Path(text.to_owned()),
        })
    }
}

/// Where the copy's dependencies come from.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The root of a checkout.
    Path(String),
    /// A repository's URL.
    Git(String),
}
