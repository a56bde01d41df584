//! The sections of the GraphQL specification of September 2025 about source text, values and their coercion. Each has a
//! test, named by its number.

mod coercion;
mod places;
mod selection;
mod source;
mod values;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::test_gateway::TestGateway;

const PARSE: &str = "GRAPHQL_PARSE_FAILED";
const INVALID: &str = "GRAPHQL_VALIDATION_FAILED";

/// The expected result of a request.
#[derive(Clone, Debug)]
enum Expected {
    /// All of its data.
    Data(Value),
    /// The code of its first error, and nothing is executed.
    Rejected(&'static str),
}

use Expected::{Data, Rejected};

/// Sends each request of a table. A rejection must have a location in the document.
async fn check(gateway: &TestGateway, table: &[(&str, Value, Expected)]) -> Result<()> {
    for (query, variables, expected) in table {
        let body = gateway.ask_after(query, variables.clone()).await?;
        let shown = format!("{query} with {variables}: {body}");
        match expected {
            Data(data) => {
                assert!(body.get("errors").is_none(), "{shown}");
                assert_eq!(body["data"], *data, "{shown}");
            }
            Rejected(code) => {
                assert_eq!(body["errors"][0]["extensions"]["code"], *code, "{shown}");
                assert!(body.get("data").is_none(), "{shown}");
                let place = &body["errors"][0]["locations"][0];
                for number in [&place["line"], &place["column"]] {
                    assert!(number.as_u64().is_some_and(|it| it > 0), "{shown}");
                }
            }
        }
    }
    Ok(())
}

/// Sends each literal in place of `$` in a document without variables.
async fn check_literals(
    gateway: &TestGateway,
    document: &str,
    table: &[(&str, Expected)],
) -> Result<()> {
    for (literal, expected) in table {
        let query = document.replace('$', literal);
        check(gateway, &[(&query, json!({}), expected.clone())]).await?;
    }
    Ok(())
}

/// The value that a field of type String gets from a literal.
async fn text_of(gateway: &TestGateway, literal: &str) -> Result<String> {
    let product = format!(
        "mutation {{ createProduct(input: {{name: \"p\", price: 1, description: {literal}}}) {{ description }} }}"
    );
    let data = gateway.data(&product, json!({})).await?;
    let text = data["createProduct"]["description"].as_str();
    Ok(text.with_context(|| literal.to_owned())?.to_owned())
}
