//! The process as its users see it: commands, queries, a crash, and the operator's view of a saga.

use std::error::Error;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

type Tested<T = ()> = Result<T, Box<dyn Error>>;

/// Longer than any start or saga here takes.
const TIMEOUT: Duration = Duration::from_secs(60);

struct Running {
    child: Child,
    url: String,
    http: reqwest::Client,
}

impl Running {
    /// Starts the process on the files in `folder`, at a free port.
    async fn start(folder: &Path) -> Tested<Self> {
        Self::start_with(folder, &[]).await
    }

    async fn start_with(folder: &Path, settings: &[(&str, &str)]) -> Tested<Self> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_my-system"))
            .env("DATA_DIR", folder)
            .env("HTTP_ADDR", "127.0.0.1:0")
            .envs(settings.iter().copied())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdout = child.stdout.take().ok_or("no output")?;
        let mut lines = BufReader::new(stdout).lines();
        let line = timeout(TIMEOUT, lines.next_line()).await??;
        let line = line.ok_or("it ended before it served")?;
        let url = line.rsplit(' ').next().ok_or("no address")?.to_owned();
        // The client takes a cryptography even without TLS. An error means that it has one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { child, url, http })
    }

    async fn ask(&self, query: &str, key: Option<&str>) -> Tested<Value> {
        let body = json!({ "query": query }).to_string();
        let mut request = self.http.post(&self.url).body(body);
        request = request.header("content-type", "application/json");
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let answer = request.send().await?.text().await?;
        Ok(serde_json::from_str(&answer)?)
    }

    /// The data of an answer without errors.
    async fn data(&self, query: &str, key: Option<&str>) -> Tested<Value> {
        let answer = self.ask(query, key).await?;
        if answer.get("errors").is_some() {
            return Err(answer.to_string().into());
        }
        Ok(answer["data"].clone())
    }

    /// Asks until the answer is as wanted.
    async fn until(&self, query: &str, wanted: impl Fn(&Value) -> bool) -> Tested<Value> {
        let asking = async {
            loop {
                let data = self.data(query, None).await?;
                if wanted(&data) {
                    return Ok(data);
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(TIMEOUT, asking).await?
    }

    async fn open_account(&self) -> Tested<String> {
        let opened = r#"mutation { openAccount(owner: "ann") { id } }"#;
        let opened = self.data(opened, None).await?;
        let id = opened["openAccount"]["id"].as_str();
        Ok(id.ok_or("no id")?.to_owned())
    }

    async fn has(&self, account: &str, cents: i64) -> Tested {
        let query = format!(r#"{{ account(id: "{account}") {{ owner cents }} }}"#);
        let wanted = json!({"account": {"owner": "ann", "cents": cents}});
        self.until(&query, |data| *data == wanted).await?;
        Ok(())
    }
}

#[tokio::test]
async fn a_command_takes_effect_once_and_survives_a_crash() -> Tested {
    let folder = tempfile::tempdir()?;
    let mut running = Running::start(folder.path()).await?;
    let account = running.open_account().await?;
    let deposit =
        format!(r#"mutation {{ deposit(account: "{account}", cents: 500) {{ cents }} }}"#);
    let first = running.ask(&deposit, Some("key-1")).await?;
    assert_eq!(first["data"], json!({"deposit": {"cents": 500}}), "{first}");
    assert_eq!(running.ask(&deposit, Some("key-1")).await?, first);
    running.child.kill().await?;

    let running = Running::start(folder.path()).await?;
    assert_eq!(running.ask(&deposit, Some("key-1")).await?, first);
    running.has(&account, 500).await?;
    let list = running.data("{ accounts { id } }", None).await?;
    assert_eq!(list, json!({"accounts": [{ "id": account }]}));
    let other = format!(r#"mutation {{ deposit(account: "{account}", cents: 7) {{ cents }} }}"#);
    let reused = running.ask(&other, Some("key-1")).await?;
    let code = &reused["errors"][0]["extensions"]["code"];
    assert_eq!(code, "IDEMPOTENCY_KEY_REUSED");
    Ok(())
}

#[tokio::test]
async fn another_log_is_rejected_at_the_start() -> Tested {
    let folder = tempfile::tempdir()?;
    let mut running = Running::start(folder.path()).await?;
    let opened = r#"mutation { openAccount(owner: "ann") { id } }"#;
    running.data(opened, Some("key-1")).await?;
    running.child.kill().await?;
    for entry in std::fs::read_dir(folder.path())? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_string_lossy().starts_with("event_store.db") {
            std::fs::remove_file(entry.path())?;
        }
    }
    assert!(Running::start(folder.path()).await.is_err());
    Ok(())
}

#[tokio::test]
async fn a_payout_is_sent_or_paid_back() -> Tested {
    let folder = tempfile::tempdir()?;
    let running = Running::start(folder.path()).await?;
    let account = running.open_account().await?;
    let deposit =
        format!(r#"mutation {{ deposit(account: "{account}", cents: 500) {{ cents }} }}"#);
    running.data(&deposit, None).await?;
    for (iban, status, left) in [("DE02", "COMPLETED", 400), ("XX00", "COMPENSATED", 400)] {
        let pay_out = format!(
            r#"mutation {{ payOut(account: "{account}", cents: 100, iban: "{iban}") {{ id }} }}"#
        );
        let started = running.data(&pay_out, None).await?;
        let saga = format!(r"{{ saga(id: {}) {{ status }} }}", started["payOut"]["id"]);
        let wanted = json!({"saga": {"status": status}});
        running.until(&saga, |data| *data == wanted).await?;
        running.has(&account, left).await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_operator_finds_a_saga_that_waits_and_cancels_it() -> Tested {
    let folder = tempfile::tempdir()?;
    let mut running = Running::start(folder.path()).await?;
    let account = running.open_account().await?;
    let deposit =
        format!(r#"mutation {{ deposit(account: "{account}", cents: 500) {{ cents }} }}"#);
    running.data(&deposit, None).await?;
    let pay_out = format!(
        r#"mutation {{ payOut(account: "{account}", cents: 100, iban: "ZZ00") {{ id }} }}"#
    );
    let started = running.data(&pay_out, None).await?;
    let id = started["payOut"]["id"].to_string();
    running.has(&account, 400).await?;
    running.child.kill().await?;

    let running = Running::start(folder.path()).await?;
    let is_listed = |data: &Value| data["sagas"][0]["currentStep"] == "send_money";
    let list = "{ sagas { id type currentStep } }";
    let listed = running.until(list, is_listed).await?;
    assert_eq!(listed["sagas"][0]["id"].to_string(), id);
    let cancel = format!(
        r#"mutation {{ actOnSaga(id: {id}, action: CANCEL, who: "ops", reason: "the bank is away") {{ id }} }}"#
    );
    running.data(&cancel, None).await?;
    running
        .until(list, |data| data["sagas"] == json!([]))
        .await?;
    running.has(&account, 500).await
}

#[tokio::test]
async fn it_is_healthy_counts_and_stops_cleanly() -> Tested {
    let folder = tempfile::tempdir()?;
    let mut running = Running::start(folder.path()).await?;
    let base = running.url.trim_end_matches("/graphql").to_owned();
    let get = async |path: &str| running.http.get(format!("{base}{path}")).send().await;
    let is_ready = async {
        while !get("/health/ready")
            .await
            .is_ok_and(|it| it.status() == 200)
        {}
    };
    timeout(TIMEOUT, is_ready).await?;
    assert_eq!(get("/health/live").await?.status(), 200);
    running.open_account().await?;
    assert_eq!(get("/graphiql").await?.status(), 200);
    let metrics = get("/metrics").await?.text().await?;
    assert!(
        metrics.contains("event_store_append_batch_events_sum 1"),
        "{metrics}"
    );
    let id = running.child.id().ok_or("it has ended")?;
    let killed = Command::new("kill").arg(id.to_string()).status().await?;
    assert!(killed.success());
    let stopped = timeout(TIMEOUT, running.child.wait()).await??;
    assert!(stopped.success(), "{stopped}");
    Ok(())
}

#[tokio::test]
async fn an_expensive_query_is_rejected_before_it_runs() -> Tested {
    let folder = tempfile::tempdir()?;
    let limit = [("GRAPHQL_MAX_COMPLEXITY", "1000")];
    let running = Running::start_with(folder.path(), &limit).await?;
    let lists: String = (0..3)
        .map(|n| format!("a{n}: accounts(limit: 500) {{ id }} "))
        .collect();
    let rejected = running.ask(&format!("{{ {lists} }}"), None).await?;
    let code = &rejected["errors"][0]["extensions"]["code"];
    assert_eq!(code, "QUERY_TOO_COMPLEX", "{rejected}");
    Ok(())
}
