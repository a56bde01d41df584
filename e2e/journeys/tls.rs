//! Three processes that trust each other by certificates, and clients of the gateway over TLS.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use test_certificates::{Authority, Stored};
use test_postgres::TestDatabase;
use test_shop::{Connection, Folder, Process, Request, Start, until};
use tokio::process::Command;

use crate::support::{Packages, binaries, node_with, report};

/// Certificates of one authority.
struct Files {
    folder: Folder,
    authority: Authority,
    /// Of each of the three processes.
    own: BTreeMap<&'static str, Stored>,
}

/// The year that renewed certificates are valid until, and its begin in seconds since 1970.
const RENEWED_UNTIL: (i32, &str) = (2100, "4102444800");

const PROCESSES: [&str; 3] = ["command-service", "query-service", "client-service"];

impl Files {
    fn create() -> Result<Self> {
        let folder = Folder::create()?;
        let authority = Authority::new("the system's")?;
        authority.store(&folder.path().join("ca.crt"))?;
        let store = |name| {
            let issued = authority.issue(&["127.0.0.1", "localhost"])?;
            Ok((name, issued.store(folder.path(), name)?))
        };
        let own = PROCESSES.into_iter().map(store).collect::<Result<_>>()?;
        Ok(Self {
            folder,
            authority,
            own,
        })
    }

    fn authority(&self) -> String {
        self.folder.path().join("ca.crt").display().to_string()
    }

    fn settings(&self, process: &str) -> Vec<(&'static str, String)> {
        let Stored { certificate, key } = &self.own[process];
        let (certificate, key) = (text(certificate), text(key));
        let mut settings = vec![
            ("TLS_CERT_FILE", certificate.clone()),
            ("TLS_KEY_FILE", key.clone()),
        ];
        settings.extend(if process == "client-service" {
            vec![
                ("SERVICE_CA_FILE", self.authority()),
                ("SERVICE_CERT_FILE", certificate),
                ("SERVICE_KEY_FILE", key),
            ]
        } else {
            vec![("TLS_CLIENT_CA_FILE", self.authority())]
        });
        settings
    }

    /// Replaces the certificate of a process, and returns the new one.
    fn renew(&self, process: &str) -> Result<String> {
        let Stored { certificate, key } = &self.own[process];
        let hosts = ["127.0.0.1", "localhost"];
        let issued = self.authority.issue_until(&hosts, RENEWED_UNTIL.0)?;
        fs::write(certificate, &issued.certificate)?;
        fs::write(key, &issued.key)?;
        Ok(issued.certificate)
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

async fn serve(
    process: &'static str,
    listeners: &[&'static str],
    settings: Vec<(&'static str, String)>,
) -> Result<Process> {
    let start = Start::listening(listeners).with(settings);
    Process::serve(binaries().await?.path(process)?, &start).await
}

/// Starts the command-service, the query-service and the gateway, in this order.
async fn system(files: &Files, databases: &[TestDatabase; 3]) -> Result<[Process; 3]> {
    let [events, command, query] = databases.each_ref().map(|database| database.url.clone());
    let services = [
        (
            "command-service",
            ["COMMAND_GRPC_ADDR", "COMMAND_METRICS_ADDR"],
            ("COMMAND_DATABASE_URL", command),
        ),
        (
            "query-service",
            ["QUERY_GRPC_ADDR", "QUERY_METRICS_ADDR"],
            ("QUERY_DATABASE_URL", query),
        ),
    ];
    let mut processes = Vec::new();
    for (name, listeners, database) in services {
        let own = vec![("EVENT_STORE_URL", events.clone()), database];
        processes.push(serve(name, &listeners, [own, files.settings(name)].concat()).await?);
    }
    let port = |index: usize, listener| {
        Ok::<_, anyhow::Error>(processes[index].address(listener)?.port().to_string())
    };
    let places = vec![
        ("COMMAND_SERVICE_PORT", port(0, "COMMAND_GRPC_ADDR")?),
        ("QUERY_SERVICE_PORT", port(1, "QUERY_GRPC_ADDR")?),
    ];
    let settings = [places, files.settings("client-service")].concat();
    processes.push(serve("client-service", &["CLIENT_HTTP_ADDR"], settings).await?);
    processes.try_into().ok().context("three processes")
}

/// Asks the gateway with curl, and returns the version of HTTP, the status and the body.
async fn curl(files: &Files, arguments: &[&str]) -> Result<(String, Value)> {
    let output = Command::new("curl")
        .args([
            "--silent",
            "--show-error",
            "--max-time",
            "30",
            "--cacert",
            &files.authority(),
        ])
        .args(["--write-out", "\n%{http_version} %{http_code}"])
        .args(arguments)
        .output()
        .await
        .context("cannot run curl")?;
    let printed = String::from_utf8(output.stdout)?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{errors}");
    let (body, version) = printed.rsplit_once('\n').context("no status")?;
    Ok((version.to_owned(), serde_json::from_str(body)?))
}

#[tokio::test]
async fn three_processes_with_mutual_tls_serve_clients_over_tls() -> Result<()> {
    let files = Files::create()?;
    let databases = [
        test_postgres::database().await,
        test_postgres::database().await,
        test_postgres::database().await,
    ];
    let mut processes = system(&files, &databases).await?;
    let gateway = processes[2].address("CLIENT_HTTP_ADDR")?.to_string();
    until("the health of the system", async || {
        let (status, health) = curl(&files, &[&format!("https://{gateway}/health")]).await?;
        ensure!(
            status == "2 200" && health["status"] == "ok",
            "{status}: {health}"
        );
        Ok(())
    })
    .await?;
    let url = format!("https://{gateway}/graphql");
    let json = ["--header", "content-type: application/json"];
    let create = r#"{"query":"mutation { createCategory(input: {name: \"Tea\"}) { name } }"}"#;
    for (version, expected) in [("--http2", "2 200"), ("--http1.1", "1.1 200")] {
        let create = create.replace("Tea", &format!("Tea by {version}"));
        let request = [&json[..], &[version, "--data", &create, &url]].concat();
        let (status, made) = curl(&files, &request).await?;
        ensure!(status == expected, "{status}: {made}");
        let name = &made["data"]["createCategory"]["name"];
        ensure!(*name == format!("Tea by {version}"), "{made}");
    }
    let trusting = [("NODE_EXTRA_CA_CERTS", files.authority())];
    let trusting = trusting
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let script = "subscriptions.cjs";
    let checks = node_with(Packages::Protocols, script, &[&gateway, "tls"], &trusting).await?;
    ensure!(checks >= 20, "{checks} checks");
    renewals(&files, &processes, &url).await?;
    let check = Start {
        arguments: vec!["healthcheck".to_owned()],
        ..Start::default()
    };
    let check = check.with(files.settings("client-service"));
    let check = check.with([("CLIENT_HTTP_ADDR", gateway.clone())]);
    let client_service = binaries().await?.path("client-service")?;
    let (status, errors) = Process::run(client_service, &check).await?;
    ensure!(status.success(), "{errors}");
    report(&format!("TLS: {checks} checks of subscriptions"));
    for process in processes.iter_mut().rev() {
        ensure!(process.terminate().await?.success(), "{}", process.log());
    }
    Ok(())
}

/// The listeners with TLS of the services, and those without it that serve their metrics.
const METRICS: [(&str, &str); 2] = [
    ("COMMAND_GRPC_ADDR", "COMMAND_METRICS_ADDR"),
    ("QUERY_GRPC_ADDR", "QUERY_METRICS_ADDR"),
];
const EXPIRY: &str = "tls_certificate_expiry_timestamp_seconds";

/// Each process uses a new certificate after SIGHUP, while the others continue.
async fn renewals(files: &Files, processes: &[Process; 3], url: &str) -> Result<()> {
    for (name, process) in PROCESSES.into_iter().zip(processes) {
        files.renew(name)?;
        process.signal("HUP")?;
        until("the log line of the renewal", async || {
            let is_read = process.log().contains("certificates were replaced");
            ensure!(is_read, "{}", process.log());
            Ok(())
        })
        .await?;
        for (grpc, metrics) in METRICS {
            if let Ok(address) = process.address(metrics) {
                let metrics = Request::get("/metrics");
                let metrics = Connection::open(address).await?.send(&metrics).await?;
                let metrics = String::from_utf8(metrics.body.to_vec())?;
                let expiry = RENEWED_UNTIL.1;
                let expiry = format!("{EXPIRY}{{user=\"{grpc}\"}} {expiry}\n");
                ensure!(metrics.contains(&expiry), "no {expiry} in {metrics}");
            }
        }
        let query = format!("{url}?query=%7Bcategories%7Bname%7D%7D");
        let (status, read) = curl(files, &[&query]).await?;
        ensure!(
            status == "2 200" && read["data"]["categories"].is_array(),
            "{read}"
        );
    }
    Ok(())
}
