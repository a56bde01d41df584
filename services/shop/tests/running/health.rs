//! What a shop says of itself while its databases fail it.

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

/// The status and the body of a page of one of the listeners.
async fn ask(running: &Process, listener: &str, path: &str) -> Result<(u16, Value)> {
    let mut connection = Http::open(running.address(listener)?).await?;
    let reply = connection.send(&Request::get(path)).await?;
    Ok((reply.status.as_u16(), reply.json()?))
}

/// Waits until a listener's `/health` has these words and its `/health/ready` this status. `/health/live` is 200 always.
async fn says(running: &Process, listener: &str, words: &[(&str, &str)], ready: u16) -> Result<()> {
    until(&format!("{words:?} of {listener}"), async || {
        let (live, _) = ask(running, listener, "/health/live").await?;
        ensure!(live == 200, "not alive: {live}");
        let (status, health) = ask(running, listener, "/health").await?;
        let (probed, _) = ask(running, listener, "/health/ready").await?;
        let mut is_well = true;
        for (part, word) in words {
            let said = health["services"][part].as_str().unwrap_or_default();
            ensure!(said == *word, "{health}");
            is_well &= ["connected", "following", "serving", "unknown"].contains(word);
        }
        ensure!(is_well || status == 503, "{status} with {health}");
        ensure!(probed == ready, "ready is {probed} with {health}");
        Ok(())
    })
    .await
}

/// The whole shop works, by what all of its listeners say.
async fn is_well(running: &Process) -> Result<()> {
    says(
        running,
        COMMAND,
        &[("event_store", "connected"), ("database", "connected")],
        200,
    )
    .await?;
    let following = |part| (part, "following");
    says(
        running,
        QUERY,
        &[
            ("event_store", "connected"),
            ("database", "connected"),
            ("cache", "connected"),
            following("projection_categories"),
            following("projection_products"),
            following("projection_orders"),
            following("projection_sagas"),
        ],
        200,
    )
    .await?;
    says(
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

/// Whether something can be written through the gateway.
async fn make(running: &Process, name: &str) -> Result<()> {
    let document =
        "mutation($input: CreateCategoryInput!) { createCategory(input: $input) { id } }";
    let input = serde_json::json!({ "input": { "name": name } });
    let made = Operation::new(document).with(input);
    made.data(running.address(CLIENT_HTTP)?).await.map(|_| ())
}

/// A shop on these three databases.
async fn on(folder: &Folder, urls: [&str; 3]) -> Result<Process> {
    Process::serve(Path::new(SHOP), &starting_on(folder, urls)).await
}

fn starting_on(folder: &Folder, urls: [&str; 3]) -> Start {
    let mut start = start(folder);
    for (name, url) in DATABASES.iter().zip(urls) {
        start.variables.insert((*name).to_owned(), url.to_owned());
    }
    start
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
async fn a_shop_on_files_is_well_and_healthcheck_asks_whether_it_is_ready() -> Result<()> {
    let folder = Folder::create()?;
    let running = open(&folder).await?;
    is_well(&running).await?;
    let answer = printed(&Shop::of(&running)?.run(&["healthcheck"]));
    assert!(answer.contains("command_service"), "{answer}");
    Ok(())
}

/// Files may not grow any more, as on a disk that is full.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_shop_on_a_full_disk_is_not_ready_to_write() -> Result<()> {
    let folder = Folder::create()?;
    let mut start = start(&folder);
    // Without the trap the operating system would end the process.
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
    let words = [
        ("event_store", "not writable"),
        ("database", "not writable"),
    ];
    says(&running, COMMAND, &words, 503).await?;
    let words = [("command_service", "not ready"), ("grpc", "not serving")];
    says(&running, CLIENT_HTTP, &words, 200).await?;
    Ok(())
}

#[tokio::test]
async fn a_shop_whose_server_stops_is_well_again_when_it_runs_again() -> Result<()> {
    let cluster = Cluster::start().await;
    let databases = three(&cluster).await;
    let folder = Folder::create()?;
    let running = on(&folder, urls(&databases)).await?;
    is_well(&running).await?;
    cluster.stop_immediately().await;
    let words = [
        ("event_store", "disconnected"),
        ("database", "disconnected"),
    ];
    says(&running, COMMAND, &words, 503).await?;
    says(&running, QUERY, &words, 503).await?;
    let words = [
        ("command_service", "not ready"),
        ("query_service", "not ready"),
        ("database", "not serving"),
        ("grpc", "not serving"),
    ];
    says(&running, CLIENT_HTTP, &words, 200).await?;
    cluster.start_again().await;
    is_well(&running).await?;
    make(&running, "Tea").await
}

#[tokio::test]
async fn a_shop_that_may_not_write_says_so_though_it_can_read() -> Result<()> {
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
    let words = [
        ("event_store", "not writable"),
        ("database", "not writable"),
    ];
    says(&running, COMMAND, &words, 503).await?;
    // It is the read side's rows that answer, and those can be read.
    says(&running, QUERY, &[("database", "connected")], 200).await?;
    ensure!(make(&running, "Tea").await.is_err(), "a write was answered");
    run(&admin, "ALTER SYSTEM RESET default_transaction_read_only").await?;
    run(&admin, "SELECT pg_reload_conf()").await?;
    is_well(&running).await?;
    make(&running, "Tea").await
}

/// Each right that a write needs, while all else can still be written.
#[tokio::test]
async fn a_right_that_is_gone_is_seen_though_nobody_writes() -> Result<()> {
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
        says(&running, COMMAND, &[(part, "not writable")], 503).await?;
        run(url, &format!("GRANT INSERT ON {table} TO keeper")).await?;
        is_well(&running).await?;
    }
    Ok(())
}

#[tokio::test]
async fn poolers_are_refused_or_as_good_as_no_pooler() -> Result<()> {
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

/// Two shops in one database: each has a schema for all of its tables.
#[tokio::test]
async fn two_shops_in_one_database_do_not_meet() -> Result<()> {
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
        // The same name in both: each has a catalogue of its own.
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
    a_lie_is_not_believed(&a, &database).await?;
    a_lie_is_not_believed(&b, &database).await
}

/// What the issue saw: a notification of a position that nobody wrote, on every channel there is.
async fn a_lie_is_not_believed(shop: &Process, database: &TestDatabase) -> Result<()> {
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
    let refused = ahead.send(shop.address(CLIENT_HTTP)?).await?;
    let code = &refused.body["errors"][0]["extensions"]["code"];
    ensure!(code == "BAD_REQUEST", "{}", refused.body);
    // An idle shop polls, and no more. The server counts with a delay of about a second, so it is looked at for some.
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

/// The server's time in seconds, and how many transactions there have been.
async fn counted(server: &mut PgConnection) -> Result<(f64, f64)> {
    let counted = sqlx::query_as(
        "SELECT extract(epoch FROM clock_timestamp())::float8, (xact_commit + xact_rollback)::float8
         FROM pg_stat_database WHERE datname = current_database()",
    );
    Ok(counted.fetch_one(server).await?)
}
