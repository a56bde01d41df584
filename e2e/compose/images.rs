//! The images: those of the services from the binaries of this test, and those that Compose would get from a registry.

use anyhow::{Context, Result, anyhow, ensure};
use test_shop::Folder;
use tokio::sync::OnceCell;

use super::docker::{SERVICES, run};
use crate::support::{binaries, report};

/// The archive with PostgreSQL and Prometheus that `e2e/compose/stand-ins/make` made.
const STAND_INS: &str = "COMPOSE_STAND_INS";
/// The image in place of the build stage.
const BINARIES: &str = "rust-cqrs-binaries";
const FILES: [&str; 4] = [
    "--file",
    "docker-compose.yml",
    "--file",
    "docker-compose.monitoring.yml",
];
/// The maximum size of an image. Code that is not optimised is about twice as large.
const MAX_BYTES: u64 = if cfg!(debug_assertions) {
    60_000_000
} else {
    40_000_000
};
const POSTGRES: [&str; 4] = [
    "ENV PATH=/usr/lib/postgresql/17/bin:/usr/sbin:/usr/bin:/sbin:/bin PGDATA=/var/lib/postgresql/data",
    "VOLUME /var/lib/postgresql/data",
    "ENTRYPOINT [\"/usr/local/bin/docker-entrypoint.sh\"]",
    "CMD [\"postgres\"]",
];
const PROMETHEUS: [&str; 3] = [
    "USER 65534",
    "VOLUME /prometheus",
    "ENTRYPOINT [\"/usr/bin/prometheus\"]",
];

/// Makes all images, once.
pub async fn make() -> Result<()> {
    static MADE: OnceCell<Result<()>> = OnceCell::const_new();
    let made = MADE.get_or_init(async || {
        stand_ins().await?;
        services().await
    });
    made.await.as_ref().map_err(|error| anyhow!("{error:#}"))?;
    Ok(())
}

/// Gives the stand-ins the names that the Compose files use.
async fn stand_ins() -> Result<()> {
    let archive = std::env::var(STAND_INS)
        .with_context(|| format!("{STAND_INS} is not set: run these tests with e2e/compose/run"))?;
    let shown = run("docker-compose", &[&FILES[..], &["config"]].concat()).await?;
    let names: Vec<_> = shown
        .lines()
        .filter_map(|line| line.trim().strip_prefix("image: "))
        .collect();
    for (prefix, changes) in [
        ("postgres:", &POSTGRES[..]),
        ("prom/prometheus:", &PROMETHEUS[..]),
    ] {
        let name = names.iter().find(|name| name.starts_with(prefix));
        let name = name.with_context(|| format!("no image {prefix} in {names:?}"))?;
        let mut arguments = vec!["import"];
        for change in changes {
            arguments.extend(["--change", *change]);
        }
        arguments.extend([archive.as_str(), *name]);
        run("docker", &arguments).await?;
    }
    Ok(())
}

async fn services() -> Result<()> {
    let folder = Folder::create()?;
    let path = |name: &str| folder.path().join(name).display().to_string();
    let program = binaries().await?.path(SERVICES[0])?;
    let built = program.parent().map(std::path::Path::display);
    let built = built.context("the program is in no folder")?.to_string();
    run("./deploy/docker/collect", &[&built, &path("root/image")]).await?;
    let archive = path("archive.tar");
    run("tar", &["-C", &path("root"), "-cf", &archive, "image"]).await?;
    run("docker", &["import", &archive, BINARIES]).await?;
    let argument = format!("BINARIES={BINARIES}");
    run("docker-compose", &["build", "--build-arg", &argument]).await?;
    for service in SERVICES {
        let name = format!("rust-cqrs/{service}:local");
        let size = run(
            "docker",
            &["image", "inspect", "--format", "{{.Size}}", &name],
        )
        .await?;
        report(&format!("image {name}: {} bytes", size.trim()));
        ensure!(
            size.trim().parse::<u64>()? <= MAX_BYTES,
            "{name} has more than {MAX_BYTES} bytes: {size}"
        );
    }
    Ok(())
}
