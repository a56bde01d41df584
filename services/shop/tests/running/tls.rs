//! A shop that serves TLS, and commands that find it.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use test_certificates::{Authority, Stored};
use test_shop::{Folder, Process};

use crate::support::{
    CLIENT_HTTP, COMMAND_GRPC, QUERY_GRPC, Shop, open, open_with, printed, rejected,
};

const SCAN_TIMEOUT: Duration = Duration::from_mins(2);

/// An authority with a certificate for this machine's address, and one for another host.
struct Files {
    folder: Folder,
    authority: String,
    own: Stored,
    of_other_host: Stored,
}

impl Files {
    fn create() -> Result<Self> {
        let folder = Folder::create()?;
        let authority = Authority::new("the shop's")?;
        let path = folder.path().join("ca.crt");
        authority.store(&path)?;
        let store = |name, host| authority.issue(&[host])?.store(folder.path(), name);
        let (own, of_other_host) = (store("own", "127.0.0.1")?, store("other", "shop.test")?);
        Ok(Self {
            authority: path.display().to_string(),
            own,
            of_other_host,
            folder,
        })
    }
}

fn settings_of(stored: &Stored) -> Vec<(&'static str, String)> {
    vec![
        ("TLS_CERT_FILE", stored.certificate.display().to_string()),
        ("TLS_KEY_FILE", stored.key.display().to_string()),
    ]
}

fn borrowed<'a>(settings: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
    let pairs = settings.iter();
    pairs.map(|(name, value)| (*name, value.as_str())).collect()
}

async fn serving(files: &Files, settings: &[(&'static str, String)]) -> Result<(Process, Shop)> {
    let running = open_with(&files.folder, &borrowed(settings)).await?;
    let shop = Shop::of(&running)?;
    Ok((running, shop))
}

#[tokio::test]
async fn commands_call_the_gateway_and_the_services_over_tls() -> Result<()> {
    let files = Files::create()?;
    // Its certificate does not name the address at which its own commands reach it.
    let settings = settings_of(&files.of_other_host);
    let (mut running, shop) = serving(&files, &settings).await?;
    let own = borrowed(&settings);
    let authorities = [("SERVICE_CA_FILE", files.authority.as_str())];
    printed(&shop.run_with(&["seed", "--products", "3"], &own));
    printed(&shop.run_with(&["saga", "list"], &own));
    printed(&shop.run_with(&["projections", "list"], &own));
    let health = printed(&shop.run_with(&["healthcheck"], &own));
    ensure!(health.contains("\"status\":\"ok\""), "{health}");
    for command in [&["order", "list"][..], &["saga", "list"], &["healthcheck"]] {
        let plain = rejected(&shop.run(command), 1);
        ensure!(!plain.is_empty(), "{command:?}");
        let named = rejected(&shop.run_with(command, &authorities), 1);
        let reason = "certificate not valid for name \"127.0.0.1\"";
        ensure!(named.contains(reason), "{command:?}: {named}");
    }
    // A renewal of which the key is not there yet changes nothing.
    let next = fs::read(&files.own.certificate)?;
    fs::write(&files.of_other_host.certificate, next)?;
    printed(&shop.run_with(&["healthcheck"], &own));
    ensure!(running.terminate().await?.success(), "not a clean stop");
    // And now with one that names it.
    let (_running, shop) = serving(&files, &settings_of(&files.own)).await?;
    for command in [&["order", "list"][..], &["saga", "list"], &["healthcheck"]] {
        printed(&shop.run_with(command, &authorities));
    }
    Ok(())
}

#[tokio::test]
async fn services_with_mutual_tls_answer_commands_with_a_certificate() -> Result<()> {
    let files = Files::create()?;
    let mut settings = settings_of(&files.own);
    settings.push(("TLS_CLIENT_CA_FILE", files.authority.clone()));
    let (_running, shop) = serving(&files, &settings).await?;
    let anonymous = borrowed(&settings);
    let certificate = files.of_other_host.certificate.display().to_string();
    let key = files.of_other_host.key.display().to_string();
    let known = [
        ("SERVICE_CERT_FILE", certificate.as_str()),
        ("SERVICE_KEY_FILE", key.as_str()),
    ];
    let known = [&anonymous[..], &known].concat();
    printed(&shop.run_with(&["saga", "list"], &known));
    let refused = rejected(&shop.run_with(&["saga", "list"], &anonymous), 1);
    // Whether the alert arrives before the end of the connection is up to chance.
    ensure!(
        refused.contains("no command-service answers at"),
        "{refused}"
    );
    // The gateway's clients need none.
    printed(&shop.run_with(&["order", "list"], &anonymous));
    Ok(())
}

#[tokio::test]
async fn a_hangup_signal_does_not_end_a_shop_without_tls() -> Result<()> {
    let folder = Folder::create()?;
    let mut running = open(&folder).await?;
    running.signal("HUP")?;
    printed(&Shop::of(&running)?.run(&["healthcheck"]));
    ensure!(!running.has_ended()?, "it has ended");
    ensure!(running.terminate().await?.success(), "not a clean stop");
    Ok(())
}

/// The commands of the first example of a document.
fn first_example(document: &str) -> String {
    let example = document.split("```console").nth(1);
    let example = example.and_then(|rest| rest.split("```").next());
    let lines = example.unwrap_or_default().lines();
    let commands: Vec<&str> = lines.filter_map(|line| line.strip_prefix("$ ")).collect();
    commands.join(" && ")
}

#[tokio::test]
async fn the_documented_commands_make_certificates_that_work() -> Result<()> {
    let folder = Folder::create()?;
    let commands = first_example(include_str!("../../../../docs/tls.md"));
    let made = Command::new("sh")
        .args(["-c", &commands])
        .current_dir(folder.path())
        .output()?;
    printed(&made);
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (certificate, key, authority) = (path("shop.crt"), path("shop.key"), path("ca.crt"));
    let settings = [("TLS_CERT_FILE", &*certificate), ("TLS_KEY_FILE", &key)];
    let running = open_with(&folder, &settings).await?;
    let shop = Shop::of(&running)?;
    printed(&shop.run_with(&["saga", "list"], &settings));
    printed(&shop.run_with(&["saga", "list"], &[("SERVICE_CA_FILE", &authority)]));
    is_as_mozilla_recommends(&running, &authority).await
}

/// Checks the listeners with `sslyze`, a scanner that is not ours, against the profile "intermediate".
async fn is_as_mozilla_recommends(running: &Process, authority: &str) -> Result<()> {
    let python = test_python::python().await?;
    let listeners = [CLIENT_HTTP, COMMAND_GRPC, QUERY_GRPC];
    let address = |listener| Ok(running.address(listener)?.to_string());
    let addresses: Vec<String> = listeners.into_iter().map(address).collect::<Result<_>>()?;
    let scan = tokio::process::Command::new(python)
        .args(["-m", "sslyze", "--mozilla_config", "intermediate"])
        .args(["--certinfo_ca_file", authority])
        .args(&addresses)
        .kill_on_drop(true)
        .output();
    let scanned = tokio::time::timeout(SCAN_TIMEOUT, scan).await??;
    let report = printed(&scanned);
    for address in addresses {
        ensure!(
            report.contains(&format!("{address}: OK - Compliant.")),
            "{report}"
        );
    }
    Ok(())
}
