//! The health endpoints of a shop while its databases fail.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use test_postgres::{Cluster, PgBouncer, PoolMode, TestDatabase};
use test_shop::{Connection as Http, Folder, Operation, Process, Request, Start, until};

use crate::support::{CLIENT_HTTP, SHOP, Shop, open, printed, start};

const COMMAND: &str = "COMMAND_METRICS_ADDR";
const QUERY: &str = "QUERY_METRICS_ADDR";
const DATABASES: [&str; 3] = [
    "EVENT_STORE_URL",
    "COMMAND_DATABASE_URL",
    "QUERY_DATABASE_URL",
];

/// All projections, as components of `/health`.
const PROJECTIONS: [&str; 4] = [
    "projection_categories",
    "projection_products",
    "projection_orders",
    "projection_sagas",
];

/// The status and the JSON body at a path of a listener.
async fn ask(running: &Process, listener: &str, path: &str) -> Result<(u16, Value)> {
    let mut connection = Http::open(running.address(listener)?).await?;
    let reply = connection.send(&Request::get(path)).await?;
    Ok((reply.status.as_u16(), reply.json()?))
}

/// Waits until a listener's `/health` reports these component statuses and its `/health/ready` returns `ready`.
/// `/health/live` is always 200.
async fn reports(
    running: &Process,
    listener: &str,
    statuses: &[(&str, &str)],
    ready: u16,
) -> Result<()> {
    until(&format!("{statuses:?} of {listener}"), async || {
        let (live, _) = ask(running, listener, "/health/live").await?;
        ensure!(live == 200, "not alive: {live}");
        let (status, health) = ask(running, listener, "/health").await?;
        let (probed, _) = ask(running, listener, "/health/ready").await?;
        let mut is_well = true;
        for (part, expected) in statuses {
            let reported = health["services"][part].as_str().unwrap_or_default();
            ensure!(reported == *expected, "{health}");
            is_well &= ["connected", "following", "serving", "unknown"].contains(expected);
        }
        ensure!(is_well || status == 503, "{status} with {health}");
        ensure!(probed == ready, "ready is {probed} with {health}");
        Ok(())
    })
    .await
}

/// Waits until all listeners report that everything works.
async fn is_well(running: &Process) -> Result<()> {
    reports(
        running,
        COMMAND,
        &[("event_store", "connected"), ("database", "connected")],
        200,
    )
    .await?;
    let mut read_side = vec![
        ("event_store", "connected"),
        ("database", "connected"),
        ("cache", "connected"),
    ];
    read_side.extend(PROJECTIONS.map(|part| (part, "following")));
    reports(running, QUERY, &read_side, 200).await?;
    let (_, health) = ask(running, QUERY, "/health").await?;
    let reported = health["services"].as_object().context("components")?;
    let mut projections = reported
        .keys()
        .filter(|part| part.starts_with("projection_"));
    ensure!(
        projections.all(|part| PROJECTIONS.contains(&part.as_str())),
        "a projection is missing in this test: {health}"
    );
    reports(
        running,
        CLIENT_HTTP,
        &[
            ("command_service", "serving"),
            ("query_service", "serving"),
            ("database", "connected"),
            ("cache", "connected"),
            ("grpc", "serving"),
        ],
        200,
    )
    .await?;
    for listener in [COMMAND, QUERY, CLIENT_HTTP] {
        until("a healthy answer", async || {
            let (status, health) = ask(running, listener, "/health").await?;
            ensure!(
                status == 200 && health["status"] == "ok",
                "{status}: {health}"
            );
            Ok(())
        })
        .await?;
    }
    Ok(())
}

/// Creates a category through the gateway.
async fn make(running: &Process, name: &str) -> Result<()> {
    let document =
        "mutation($input: CreateCategoryInput!) { createCategory(input: $input) { id } }";
    let input = serde_json::json!({ "input": { "name": name } });
    let made = Operation::new(document).with(input);
    made.data(running.address(CLIENT_HTTP)?).await.map(|_| ())
}

/// Starts a shop on these three databases.
async fn on(folder: &Folder, urls: [&str; 3]) -> Result<Process> {
    Process::serve(Path::new(SHOP), &starting_on(folder, urls)).await
}

fn starting_on(folder: &Folder, urls: [&str; 3]) -> Start {
    start(folder).with(DATABASES.into_iter().zip(urls))
}

async fn run(url: &str, sql: &str) -> Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(&mut connection)
        .await?;
    Ok(connection.close().await?)
}

async fn three(cluster: &Cluster) -> [TestDatabase; 3] {
    [
        cluster.database().await,
        cluster.database().await,
        cluster.database().await,
    ]
}

fn urls(databases: &[TestDatabase; 3]) -> [&str; 3] {
    databases.each_ref().map(|database| database.url.as_str())
}

#[tokio::test]
async fn a_shop_on_files_is_healthy_and_passes_healthcheck() -> Result<()> {
    let folder = Folder::create()?;
    let running = open(&folder).await?;
    is_well(&running).await?;
    let answer = printed(&Shop::of(&running)?.run(&["healthcheck"]));
    assert!(answer.contains("command_service"), "{answer}");
    Ok(())
}

/// The process is not allowed to grow files, which looks like a full disk.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_shop_on_a_full_disk_is_not_ready_to_write() -> Result<()> {
    let folder = Folder::create()?;
    let mut start = start(&folder);
    // Unless it is ignored, the signal SIGXFSZ would kill the process instead of failing the write.
    let script = r#"trap "" XFSZ; exec "$0" "$@""#;
    let own = std::mem::take(&mut start.arguments);
    let shell = ["-c".to_owned(), script.to_owned(), SHOP.to_owned()];
    start.arguments = shell.into_iter().chain(own).collect();
    let running = Process::serve(Path::new("/bin/sh"), &start).await?;
    is_well(&running).await?;
    let limited = std::process::Command::new("prlimit")
        .args(["--pid", &running.id().to_string(), "--fsize=1"])
        .status()
        .context("prlimit is missing: install util-linux")?;
    ensure!(limited.success(), "prlimit: {limited}");
    let statuses = [
        ("event_store", "not writable"),
        ("database", "not writable"),
    ];
    reports(&running, COMMAND, &statuses, 503).await?;
    let statuses = [("command_service", "not ready"), ("grpc", "not serving")];
    reports(&running, CLIENT_HTTP, &statuses, 200).await?;
    Ok(())
}

#[tokio::test]
async fn a_shop_recovers_after_its_database_server_restarts() -> Result<()> {
    let cluster = Cluster::start().await;
    let databases = three(&cluster).await;
    let folder = Folder::create()?;
    let running = on(&folder, urls(&databases)).await?;
    is_well(&running).await?;
    cluster.stop_immediately().await;
    let statuses = [
        ("event_store", "disconnected"),
        ("database", "disconnected"),
    ];
    reports(&running, COMMAND, &statuses, 503).await?;
    reports(&running, QUERY, &statuses, 503).await?;
    let statuses = [
        ("command_service", "not ready"),
        ("query_service", "not ready"),
        ("database", "not serving"),
        ("grpc", "not serving"),
    ];
    reports(&running, CLIENT_HTTP, &statuses, 200).await?;
    cluster.start_again().await;
    is_well(&running).await?;
    make(&running, "Tea").await
}

#[tokio::test]
async fn a_shop_on_read_only_databases_is_not_ready_to_write() -> Result<()> {
    let cluster = Cluster::start().await;
    let databases = three(&cluster).await;
    let folder = Folder::create()?;
    let running = on(&folder, urls(&databases)).await?;
    is_well(&running).await?;
    let admin = cluster.url("postgres");
    run(
        &admin,
        "ALTER SYSTEM SET default_transaction_read_only = on",
    )
    .await?;
    run(&admin, "SELECT pg_reload_conf()").await?;
    let statuses = [
        ("event_store", "not writable"),
        ("database", "not writable"),
    ];
    reports(&running, COMMAND, &statuses, 503).await?;
    // Queries read the rows, which still works.
    reports(&running, QUERY, &[("database", "connected")], 200).await?;
    ensure!(make(&running, "Tea").await.is_err(), "a write succeeded");
    run(&admin, "ALTER SYSTEM RESET default_transaction_read_only").await?;
    run(&admin, "SELECT pg_reload_conf()").await?;
    is_well(&running).await?;
    make(&running, "Tea").await
}

/// Each privilege that a write needs is revoked, while everything else can still be written.
#[tokio::test]
async fn a_revoked_privilege_is_detected_without_a_write_request() -> Result<()> {
    let cluster = Cluster::start().await;
    let databases = three(&cluster).await;
    let folder = Folder::create()?;
    run(&cluster.url("postgres"), "CREATE ROLE keeper LOGIN").await?;
    for database in &databases {
        run(&database.url, "GRANT ALL ON SCHEMA public TO keeper").await?;
    }
    let as_keeper: Vec<String> = databases
        .iter()
        .map(|database| database.url.replace("//postgres@", "//keeper@"))
        .collect();
    let [events, command, query] = as_keeper.as_slice() else {
        bail!("three databases");
    };
    let running = on(&folder, [events, command, query]).await?;
    is_well(&running).await?;
    for (url, table, part) in [
        (events, "events", "event_store"),
        (command, "idempotent_requests", "database"),
    ] {
        run(url, &format!("REVOKE INSERT ON {table} FROM keeper")).await?;
        reports(&running, COMMAND, &[(part, "not writable")], 503).await?;
        run(url, &format!("GRANT INSERT ON {table} TO keeper")).await?;
        is_well(&running).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_transaction_pooler_is_rejected_and_a_session_pooler_works() -> Result<()> {
    let cluster = Cluster::start().await;
    let databases = three(&cluster).await;
    let shared = PgBouncer::start(&cluster, PoolMode::Transaction).await;
    let names: Vec<String> = databases
        .iter()
        .map(|database| {
            let path = database.url.split('?').next().unwrap_or_default();
            path.rsplit('/').next().unwrap_or_default().to_owned()
        })
        .collect();
    let folder = Folder::create()?;
    for (index, what) in ["event store", "command database", "query database"]
        .into_iter()
        .enumerate()
    {
        let pooled = shared.url(&names[index]);
        let mut all = urls(&databases);
        all[index] = &pooled;
        let (status, log) = Process::run(Path::new(SHOP), &starting_on(&folder, all)).await?;
        assert_eq!(status.code(), Some(1), "{what}: {log}");
        ensure!(log.contains(&format!("open the {what}")), "{what}: {log}");
        ensure!(log.contains("pool_mode = session"), "{what}: {log}");
    }
    let own = PgBouncer::start(&cluster, PoolMode::Session).await;
    let pooled: Vec<String> = names.iter().map(|name| own.url(name)).collect();
    let [events, command, query] = pooled.as_slice() else {
        bail!("three databases");
    };
    let running = on(&folder, [events, command, query]).await?;
    is_well(&running).await?;
    make(&running, "Tea").await?;
    is_well(&running).await
}

/// Two shops share a database; each has a schema of its own.
#[tokio::test]
async fn two_shops_in_one_database_are_isolated() -> Result<()> {
    let cluster = Cluster::start().await;
    let database = cluster.database().await;
    run(&database.url, "CREATE SCHEMA a; CREATE SCHEMA b").await?;
    let url = |schema| format!("{}&options[search_path]={schema}", database.url);
    let (in_a, in_b) = (url("a"), url("b"));
    let folders = (Folder::create()?, Folder::create()?);
    let (a, b) = tokio::try_join!(
        on(&folders.0, [&in_a, &in_a, &in_a]),
        on(&folders.1, [&in_b, &in_b, &in_b]),
    )?;
    for shop in [&a, &b] {
        // The same name succeeds in both, since each has its own catalogue.
        make(shop, "Tea").await?;
    }
    make(&b, "Coffee").await?;
    for (shop, count) in [(&a, 1), (&b, 2)] {
        let statistics = Operation::new("{ categoryStatistics { totalCount } }");
        until("the shop's own categories", async || {
            let data = statistics.data(shop.address(CLIENT_HTTP)?).await?;
            let total = &data["categoryStatistics"]["totalCount"];
            ensure!(total == count, "{total} categories");
            Ok(())
        })
        .await?;
        is_well(shop).await?;
    }
    false_notifications_are_ignored(&a, &database).await?;
    false_notifications_are_ignored(&b, &database).await
}

/// Regression test: a notification of a position that was never written, on every channel, must not be believed.
async fn false_notifications_are_ignored(shop: &Process, database: &TestDatabase) -> Result<()> {
    let mut server = PgConnection::connect(&database.url).await?;
    for payload in ["1000000", "garbage", "products 1 1000000", "products x", ""] {
        for channel in [
            "event_log",
            "event_log_a",
            "event_log_b",
            "read_model",
            "read_model_a",
            "read_model_b",
        ] {
            sqlx::query("SELECT pg_notify($1, $2)")
                .bind(channel)
                .bind(payload)
                .execute(&mut server)
                .await?;
        }
    }
    let look = Operation::new("{ categoryStatistics { totalCount } }");
    let answer = look.send(shop.address(CLIENT_HTTP)?).await?;
    let position: u64 = answer.position.context("a read has a position")?.parse()?;
    ensure!(position < 1_000, "position {position} was handed out");
    let ahead = look.with_header("x-min-position", "1000000");
    let rejected = ahead.send(shop.address(CLIENT_HTTP)?).await?;
    let code = &rejected.body["errors"][0]["extensions"]["code"];
    ensure!(code == "BAD_REQUEST", "{}", rejected.body);
    // An idle shop only polls. The server updates its counters about once a second, so three seconds are measured.
    let begin = counted(&mut server).await?;
    let end = until("three seconds of the server's time", async || {
        let now = counted(&mut server).await?;
        ensure!(now.0 >= begin.0 + 3.0, "{} s", now.0 - begin.0);
        Ok(now)
    })
    .await?;
    let rate = (end.1 - begin.1) / (end.0 - begin.0);
    ensure!(
        rate < 800.0,
        "{rate} transactions a second of two idle shops"
    );
    is_well(shop).await
}

/// The server's time in seconds, and its number of transactions so far.
async fn counted(server: &mut PgConnection) -> Result<(f64, f64)> {
    let counted = sqlx::query_as(
        "SELECT extract(epoch FROM clock_timestamp())::float8, (xact_commit + xact_rollback)::float8
         FROM pg_stat_database WHERE datname = current_database()",
    );
    Ok(counted.fetch_one(server).await?)
}
