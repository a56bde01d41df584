//! docs/api/limits.md has every limit that a client can meet, as the code and the schema state it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use async_graphql::Value as Constant;
use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{FieldDefinition, TypeKind, TypeSystemDefinition};
use contract::MAX_STORED_ANSWER_BYTES;
use serde_json::{Value, json};

use super::test_gateway::{TestGateway, graphql};

const DOCUMENT: &str = include_str!("../../../../docs/api/limits.md");
const SCHEMA: &str = include_str!("../../../../docs/reference/schema.graphql");
const GATEWAY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
const PLATFORM: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../platform/graphql-http/src"
);

/// The limits that a client can meet: their place in the sources, and the row of the document.
const DOCUMENTED: [(&str, &str); 27] = [
    (
        "graphql/limits/cost.rs MAX_INTROSPECTION_DEPTH",
        "depth of an introspection",
    ),
    (
        "graphql/limits/cost.rs MAX_INTROSPECTION_LISTS",
        "lists of an introspection that are nested in each other: `types { fields { args` are 3",
    ),
    (
        "graphql/limits/cost.rs MAX_INTROSPECTION_SELECTIONS",
        "fields and fragments of all introspections of the query, each as often as it is selected",
    ),
    (
        "graphql/limits/cost.rs MAX_NESTING",
        "nesting of selections and fragments",
    ),
    (
        "graphql/document/lexer.rs MAX_BRACKETS",
        "nesting of brackets of all kinds, those of values and types included",
    ),
    (
        "graphql/document/lexer.rs MAX_TOKENS",
        "tokens of the document",
    ),
    (
        "graphql/limits/cost.rs MAX_SELECTIONS",
        "fields and fragments, each as often as it is selected",
    ),
    (
        "graphql/fields_can_merge.rs MAX_VISITS",
        "fields that are compared because they have the same name or alias",
    ),
    (
        "graphql/limits/cost.rs MAX_ROOT_FIELDS",
        "root fields of the operation",
    ),
    ("graphql/limits/cost.rs MAX_ALIASES", "aliases"),
    ("graphql/limits/cost.rs MAX_DIRECTIVES", "directives"),
    (
        "graphql/subscription.rs MAX_TEXT_BYTES",
        "bytes of the document of a subscription",
    ),
    ("http/request.rs MAX_BODY_BYTES", "bytes of the request"),
    (
        "http/json.rs MAX_DEPTH",
        "nesting of the JSON of the request",
    ),
    (
        "http/request.rs MAX_KEY_CHARS",
        "characters of an `Idempotency-Key`",
    ),
    ("api/arguments.rs MAX_ROWS", "`limit` and `perPage`"),
    (
        "graphql/limits/measure.rs MAX_SIZE",
        "`limit` and `perPage`",
    ),
    ("api/relay/slice.rs MAX_ROWS", "`first` and `last`"),
    ("api/relay/node.rs MAX_IDS", "`ids` of `nodes`"),
    ("api/changes.rs MAX_IDS", "`productIds` of `stockUpdated`"),
    (
        "api/arguments.rs MAX_TERM_CHARS",
        "characters of a `searchTerm`",
    ),
    (
        "http/response.rs MAX_MESSAGE_CHARACTERS",
        "characters of an error's message",
    ),
    (
        "http/response.rs MAX_DOCUMENT_ERRORS",
        "faults of a document",
    ),
    (
        "http/websocket/socket.rs MAX_MESSAGE_BYTES",
        "bytes of a message to a WebSocket",
    ),
    (
        "http/websocket/protocol.rs MAX_ID_BYTES",
        "bytes of the id of an operation on a WebSocket",
    ),
    (
        "http/outbox.rs MAX_ITEMS",
        "messages that wait for a slow client",
    ),
    (
        "http/outbox.rs MAX_BYTES",
        "bytes that wait for a slow client",
    ),
];

/// The limits that reject nothing and cut nothing: those of caches, calls to services, logs and pauses.
const INTERNAL: [&str; 18] = [
    "graphql/document_cache.rs MAX_DOCUMENTS",
    "graphql/execution.rs MAX_KNOWN_TOKENS",
    "graphql/prepared.rs MAX_NAME_BYTES",
    "http/rate_limit.rs MAX_CLIENTS",
    "http/websocket/protocol.rs MAX_REASON_BYTES",
    "http/websocket/socket.rs MAX_BATCH",
    "persisted.rs MAX_STORED_BYTES",
    "schema.rs MAX_SUGGESTION_BYTES",
    "subscriptions/catch_up.rs MAX_PAUSE",
    "subscriptions/group.rs MAX_REMEMBERED",
    "subscriptions/group.rs MAX_REMEMBERED_BYTES",
    "upstream/changes/feed.rs MAX_PAUSE",
    "upstream/changes/listener.rs MAX_WAITING",
    "upstream/changes/page.rs MAX_PAGE_SIZE",
    "upstream/load.rs MAX_CATEGORIES_PER_CALL",
    "upstream/load.rs MAX_IDS_PER_CALL",
    "upstream/load.rs MAX_PRODUCTS",
    "upstream/services.rs MAX_PAGES",
];

/// The rows of all tables whose first column has this head, each as its cells.
fn rows(head: &str) -> Vec<Vec<&'static str>> {
    let head = format!("| {head} |");
    let tables = DOCUMENT
        .split("\n\n")
        .filter(|part| part.starts_with(&head));
    let rows = tables.flat_map(|table| table.lines().skip(2));
    rows.map(|row| row.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect()
}

/// The constants `MAX_…` of the sources below a folder, with the text of their value.
fn constants(folder: &Path, below: &str, found: &mut BTreeMap<String, String>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().into_string().ok().context("a name")?;
        if entry.file_type()?.is_dir() {
            constants(&entry.path(), &format!("{below}{name}/"), found)?;
            continue;
        }
        for line in fs::read_to_string(entry.path())?.lines() {
            let constant = line.split_once("const MAX_").map(|(_, constant)| constant);
            let parts = constant.and_then(|text| text.trim_end_matches(';').split_once(" = "));
            if let Some((typed, value)) = parts
                && let Some((constant, _)) = typed.split_once(": ")
            {
                found.insert(format!("{below}{name} MAX_{constant}"), value.to_owned());
            }
        }
    }
    Ok(())
}

/// The value of a constant: a number, or several that are multiplied or shifted.
fn number(text: &str) -> Result<u64> {
    let plain = |text: &str| text.trim().replace('_', "").parse::<u64>();
    if let Some((number, bits)) = text.split_once("<<") {
        return Ok(plain(number)? << plain(bits)?);
    }
    text.split('*')
        .try_fold(1, |product, factor| Ok(product * plain(factor)?))
}

/// The number with which a cell begins.
fn shown<'a>(cells: &[&'a str]) -> Option<&'a str> {
    cells.get(1)?.split([' ', ';']).next()
}

#[test]
fn every_limit_of_the_sources_is_documented() -> Result<()> {
    let mut found = BTreeMap::new();
    for folder in [GATEWAY, PLATFORM] {
        constants(Path::new(folder), "", &mut found)?;
    }
    let rows = rows("limit");
    let row = |name: &str| rows.iter().find(|cells| cells[0] == name);
    let mut expected: Vec<(&str, u64)> = vec![(
        "bytes of a response that is kept under an `Idempotency-Key`",
        u64::try_from(MAX_STORED_ANSWER_BYTES)?,
    )];
    for (constant, name) in DOCUMENTED {
        let value = found
            .remove(constant)
            .with_context(|| format!("no {constant}"))?;
        expected.push((name, number(&value).with_context(|| value.clone())?));
    }
    for (name, value) in expected {
        let cells = row(name).with_context(|| format!("no row {name}"))?;
        ensure!(
            shown(cells) == Some(value.to_string().as_str()),
            "{cells:?}, not {value}"
        );
    }
    for constant in INTERNAL {
        found
            .remove(constant)
            .with_context(|| format!("no {constant}"))?;
    }
    ensure!(
        found.is_empty(),
        "neither documented nor internal: {found:?}"
    );
    Ok(())
}

#[test]
fn every_limit_that_is_a_setting_is_documented() -> Result<()> {
    let rows = rows("limit");
    let limits = client_service::config::SETTINGS.iter();
    for spec in limits.filter(|spec| spec.name.starts_with("GRAPHQL_MAX_")) {
        let setting = format!("`{}`", spec.name);
        let cells = rows
            .iter()
            .find(|cells| cells.get(2) == Some(&setting.as_str()));
        let cells = cells.with_context(|| format!("no row with {setting}"))?;
        ensure!(
            shown(cells) == spec.default,
            "{cells:?}, not {:?}",
            spec.default
        );
    }
    Ok(())
}

#[test]
fn every_row_is_a_limit_of_the_code() -> Result<()> {
    let known = |cells: &[&str]| {
        let other = [
            "nesting of the JSON of the request",
            "bytes of a response that is kept under an `Idempotency-Key`",
        ];
        cells[2] != "–"
            || other.contains(&cells[0])
            || DOCUMENTED.iter().any(|(_, name)| *name == cells[0])
    };
    for cells in rows("limit") {
        ensure!(cells.len() == 4 && known(&cells), "{cells:?}");
    }
    Ok(())
}

/// What `@listSize` of a field states: the size, and the arguments that set it.
fn list_size(field: &FieldDefinition) -> Option<(String, Vec<String>)> {
    let directive = field
        .directives
        .iter()
        .find(|it| it.node.name.node == "listSize")?;
    let arguments = match directive
        .node
        .get_argument("slicingArguments")
        .map(|it| &it.node)
    {
        Some(Constant::List(names)) => names
            .iter()
            .map(|name| name.to_string().replace('"', ""))
            .collect(),
        _ => Vec::new(),
    };
    let size = directive.node.get_argument("assumedSize")?;
    Some((size.node.to_string(), arguments))
}

#[test]
fn every_list_of_the_schema_is_documented_with_its_size() -> Result<()> {
    let rows = rows("list");
    let mut lists = 0;
    for definition in parse_schema(SCHEMA)?.definitions {
        let TypeSystemDefinition::Type(definition) = definition else {
            continue;
        };
        let TypeKind::Object(object) = definition.node.kind else {
            continue;
        };
        let of = definition.node.name.node;
        for field in object.fields {
            let Some((size, arguments)) = list_size(&field.node) else {
                continue;
            };
            let name = match of.as_str() {
                "Query" => format!("`{}`", field.node.name.node),
                of => format!("`{of}.{}`", field.node.name.node),
            };
            let cells = rows.iter().find(|cells| cells[0].contains(&name));
            let cells = cells.with_context(|| format!("no row with {name}"))?;
            let given = cells[1].split('`').skip(1).step_by(2);
            ensure!(
                given.eq(arguments.iter()),
                "{name}: {cells:?}, not {arguments:?}"
            );
            let shown = cells[2].split([';', ':']).next();
            ensure!(
                shown == Some(size.as_str()),
                "{name}: {cells:?}, not {size}"
            );
            lists += 1;
        }
    }
    let names = rows.iter().map(|cells| cells[0].matches('`').count() / 2);
    // Next to the names of the lists there is that of the edges.
    ensure!(names.sum::<usize>() == lists + 1, "{lists} lists: {rows:?}");
    Ok(())
}

#[tokio::test]
async fn the_complexity_of_the_examples_is_the_documented_one() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let rows = rows("query");
    ensure!(rows.len() >= 6, "{rows:?}");
    for cells in rows {
        let query = cells[0].trim_matches('`');
        let used = ["id", "a", "b"]
            .into_iter()
            .filter(|name| query.contains(&format!("${name}")));
        let used: Vec<String> = used.map(|name| format!("${name}: ID!")).collect();
        let declared = if used.is_empty() {
            String::new()
        } else {
            format!("query({}) ", used.join(", "))
        };
        let variables = json!({ "id": "1", "a": "1", "b": "2" });
        let request = graphql(&format!("{declared}{query}"), &variables)
            .with_header("graphql-cost", "report");
        let body = gateway.send(&request).await?.json()?;
        let documented = cells[1].replace(": rejected", "").replace(',', "");
        let documented = documented
            .rsplit(' ')
            .next()
            .context("a number")?
            .parse::<u64>()?;
        let complexity = &body["extensions"]["cost"]["complexity"];
        if cells[1].ends_with("rejected") {
            let message = body["errors"][0]["message"].as_str().context("a message")?;
            ensure!(
                message.contains(&format!("got {documented}:")),
                "{query}: {message}"
            );
            ensure!(
                DOCUMENT.contains(&format!("```text\n{message}\n```")),
                "{message}"
            );
        } else {
            ensure!(*complexity == json!(documented), "{query}: {body}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn json_is_nested_as_deeply_as_documented() -> Result<()> {
    let rows = rows("limit");
    let cells = rows
        .iter()
        .find(|cells| cells[0] == "nesting of the JSON of the request");
    let cells = cells.context("no row")?;
    let limit = shown(cells).context("a number")?.parse::<usize>()?;
    let gateway = TestGateway::open().await?;
    for (depth, code) in [
        (limit, Value::Null),
        (limit + 1, json!(cells[3].trim_matches('`'))),
    ] {
        // Two of them are those of the request and of its variables.
        let lists = depth - 2;
        let value = format!("{}{}", "[".repeat(lists), "]".repeat(lists));
        let body =
            format!("{{\"query\": \"{{ __typename }}\", \"variables\": {{\"v\": {value}}}}}");
        let request = test_shop::Request::post_json("/graphql", body);
        let body = gateway.send(&request).await?.json()?;
        ensure!(
            body["errors"][0]["extensions"]["code"] == code,
            "{depth}: {body}"
        );
    }
    Ok(())
}
