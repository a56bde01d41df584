//! Relay's own compiler reads the schema, and the gateway executes what it generates.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use test_shop::{Folder, cache_folder};

use super::test_gateway::TestGateway;

const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/relay");
const SOURCES: [&str; 2] = ["ProductList.js", "OrderList.js"];

fn run(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .context("cannot run node: install Node.js 20 or newer, with npm")?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{command:?} failed:\n{printed}{errors}"
    );
    Ok(printed)
}

fn packages() -> Result<PathBuf> {
    let install = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tools/test-node/install");
    let printed = run(Command::new(install).arg(cache_folder()?))?;
    Ok(PathBuf::from(printed.trim()))
}

/// Compiles the project in a folder of its own.
fn compile(folder: &Path) -> Result<PathBuf> {
    let sources = folder.join("src");
    fs::create_dir(&sources)?;
    let project = Path::new(PROJECT);
    let config = "relay.config.json";
    fs::copy(project.join(config), folder.join(config))?;
    fs::copy(
        project.join("../../../../docs/reference/schema.graphql"),
        folder.join("schema.graphql"),
    )?;
    for source in SOURCES {
        fs::copy(project.join("src").join(source), sources.join(source))?;
    }
    let compiler = packages()?.join("relay-compiler/cli.js");
    run(Command::new("node")
        .arg(compiler)
        .arg(config)
        .current_dir(folder))?;
    Ok(sources.join("__generated__"))
}

/// The text of each operation, as the compiler quotes it.
fn operations(generated: &Path) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    for file in fs::read_dir(generated)? {
        let source = fs::read_to_string(file?.path())?;
        let text = source.lines().find_map(|line| {
            let text = line.trim().strip_prefix("\"text\": ")?;
            serde_json::from_str::<Option<String>>(text).ok()?
        });
        texts.extend(text);
    }
    texts.sort_unstable();
    Ok(texts)
}

#[tokio::test]
async fn what_relay_s_compiler_generates_is_executed() -> Result<()> {
    let folder = Folder::create()?;
    let texts = operations(&compile(folder.path())?)?;
    assert_eq!(texts.len(), 6, "{texts:#?}");
    let gateway = TestGateway::open().await?;
    let category = gateway.category("Tea").await?;
    let pot = gateway.product("Pot", Some(&category)).await?;
    let order = "mutation($p: ID!) { createOrder(input: {userId: \"ann\",
        items: [{productId: $p, quantity: 1}]}) { nodeId } }";
    let made = gateway.data(order, json!({ "p": pot })).await?;
    let read = "query($p: ID!) { product(id: $p) { nodeId } }";
    let read = gateway.data(read, json!({ "p": pot })).await?;
    let (order, product) = (&made["createOrder"]["nodeId"], &read["product"]["nodeId"]);
    let mut refetched = 0;
    for text in texts {
        // Each operation declares those that it takes.
        let all = json!({"category": category, "user": "ann", "first": 10, "count": 10, "nodeId": product,
            "id": order, "sort": {"field": "NAME", "direction": "ASC"}});
        let declared = text.split_once('{').map_or("", |(head, _)| head);
        let variables = all.as_object().context("an object")?.iter();
        let variables = variables.filter(|(name, _)| declared.contains(&format!("${name}:")));
        let variables = variables.map(|(name, value)| (name.clone(), value.clone()));
        let data = gateway
            .data(&text, Value::Object(variables.collect()))
            .await?;
        if text.contains("productsConnection") {
            let part = &data["productsConnection"];
            assert_eq!(part["edges"][0]["node"]["nodeId"], *product, "{data}");
            assert_eq!(part["totalCount"], 1);
        } else if text.contains("ordersConnection") {
            assert!(data["ordersConnection"]["edges"].is_array(), "{data}");
        } else {
            assert!(
                [order, product].contains(&&data["node"]["nodeId"]),
                "{data}"
            );
            refetched += 1;
        }
    }
    assert_eq!(refetched, 2, "an order, and a product by @refetchable");
    Ok(())
}
