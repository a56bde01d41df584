//! The schema and its documentation are complete: each element has a description, each root field an example.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use async_graphql::parser::parse_query;
use async_graphql::parser::types::{OperationType, Selection};
use serde_json::{Value, json};

use super::test_gateway::TestGateway;

const INTROSPECTION: &str = include_str!("introspection.graphql");
const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs");
/// Its queries have no response: the test of the cost executes them.
const PAGE_OF_COSTS: &str = "limits.md";

/// The elements of this list without a description, with their place before the name.
fn undescribed(place: &str, list: &Value, found: &mut Vec<String>) {
    for element in list.as_array().into_iter().flatten() {
        let name = element["name"].as_str().unwrap_or("?");
        let named = format!("{place}{name}");
        let text = element["description"].as_str().unwrap_or_default().trim();
        if text.is_empty() {
            found.push(named.clone());
        }
        for (members, separator) in [
            ("fields", "."),
            ("inputFields", "."),
            ("enumValues", "."),
            ("args", "(…) argument "),
        ] {
            undescribed(&format!("{named}{separator}"), &element[members], found);
        }
    }
}

/// Whether a type is of this schema, and not of GraphQL itself.
fn is_ours(name: &str) -> bool {
    !name.starts_with("__") && !["Int", "Float", "String", "Boolean", "ID"].contains(&name)
}

#[tokio::test]
async fn every_element_of_the_schema_is_described() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let mut schema = gateway.data(INTROSPECTION, json!({})).await?["__schema"].take();
    let types = schema["types"].as_array_mut().context("no types")?;
    types.retain(|of| of["name"].as_str().is_some_and(is_ours));
    let mut found = Vec::new();
    undescribed("", &schema["types"], &mut found);
    undescribed("@", &schema["directives"], &mut found);
    assert!(found.is_empty(), "without a description: {found:#?}");
    Ok(())
}

/// The GraphQL blocks of the pages whose examples have responses.
fn examples() -> Result<Vec<String>> {
    let docs = Path::new(DOCS);
    let mut pages = vec![docs.join("api-specification.md")];
    for page in fs::read_dir(docs.join("api"))? {
        let page = page?.path();
        if !page.ends_with(PAGE_OF_COSTS) {
            pages.push(page);
        }
    }
    let mut blocks = Vec::new();
    for page in pages {
        let text = fs::read_to_string(&page)?;
        let graphql = text.split("```graphql\n").skip(1);
        blocks.extend(graphql.filter_map(|rest| rest.split("```").next().map(str::to_owned)));
    }
    Ok(blocks)
}

/// The root fields of an operation, as `Query.product`.
fn root_fields(text: &str) -> Result<Vec<String>> {
    let document = parse_query(text).with_context(|| text.to_owned())?;
    let mut fields = Vec::new();
    for (_, operation) in document.operations.iter() {
        let root = match operation.node.ty {
            OperationType::Query => "Query",
            OperationType::Mutation => "Mutation",
            OperationType::Subscription => "Subscription",
        };
        for selection in &operation.node.selection_set.node.items {
            if let Selection::Field(field) = &selection.node {
                fields.push(format!("{root}.{}", field.node.name.node));
            }
        }
    }
    Ok(fields)
}

#[tokio::test]
async fn every_root_field_has_an_example() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let schema = gateway.data(INTROSPECTION, json!({})).await?;
    let types = schema["__schema"]["types"].as_array().context("no types")?;
    let mut missing = BTreeSet::new();
    for root in ["Query", "Mutation", "Subscription"] {
        let found = types.iter().find(|of| of["name"] == root);
        let fields = found.and_then(|of| of["fields"].as_array());
        for field in fields.context(root)? {
            let name = field["name"].as_str().context("no name")?;
            missing.insert(format!("{root}.{name}"));
        }
    }
    assert!(missing.len() > 40, "only {} root fields", missing.len());
    for example in examples()? {
        for field in root_fields(&example)? {
            missing.remove(&field);
        }
    }
    assert!(missing.is_empty(), "without an example: {missing:#?}");
    Ok(())
}
