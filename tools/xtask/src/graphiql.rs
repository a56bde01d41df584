//! `cargo xtask graphiql`: downloads GraphiQL for the gateway's page `/graphiql`.
//!
//! No third-party code is part of this repository. npm compares the package with the digest in `tools/graphiql`, and the gateway
//! compares each file that it serves with the digests in its code.

use std::path::{Path, PathBuf, absolute};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::repository::Repository;

/// Writes it into a folder in `cache`, by default that of the user, and prints where it is.
pub fn run(repository: &Repository, cache: Option<&str>) -> Result<()> {
    let installed = Command::new(repository.root().join("tools/graphiql/install"))
        .arg(match cache {
            Some(folder) => absolute(folder)?,
            None => of_user()?,
        })
        .output()
        .context("cannot run tools/graphiql/install, which needs bash")?;
    ensure!(
        installed.status.success(),
        "tools/graphiql/install failed; it needs Node.js with npm, and npm's registry:\n{}",
        String::from_utf8_lossy(&installed.stderr)
    );
    let folder = String::from_utf8(installed.stdout)?;
    println!("GraphiQL is in {}", folder.trim());
    match cache {
        Some(_) => println!("A gateway serves it with GRAPHIQL_DIR={}", folder.trim()),
        None => println!("Gateways in development serve it at /graphiql"),
    }
    Ok(())
}

/// The folder in which gateways look, as `graphql-http` has it too.
fn of_user() -> Result<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.filter(|folder| folder.is_absolute());
    let home = || Some(Path::new(&std::env::var_os("HOME")?).join(".cache"));
    let cache = cache.or_else(home);
    let cache = cache.context("neither XDG_CACHE_HOME nor HOME is set: name a folder with --at")?;
    Ok(cache.join("rust-cqrs"))
}
