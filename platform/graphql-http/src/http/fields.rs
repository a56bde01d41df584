//! The fields of a GraphQL request, in a body, a message or the parameters of a URL.

use std::collections::HashSet;

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::json::{bad_request, object, wrong_type};
use crate::errors::ApiError;
use crate::graphql::ReplacedNumbers;
use crate::persisted::{DOCUMENT_ID, PersistedQuery, SHA256_HASH};

const PARAMETERS: [&str; 5] = [
    "query",
    "operationName",
    "variables",
    "extensions",
    DOCUMENT_ID,
];

/// A GraphQL request whose fields have the right types.
#[derive(Debug, Default)]
pub struct Fields {
    pub query: Option<String>,
    pub operation_name: Option<String>,
    pub variables: Map<String, Value>,
    /// The hashes by which the request names its operation, in the form of GraphQL over HTTP or of Apollo's protocol.
    pub persisted: Vec<PersistedQuery>,
    /// The numbers among the variables that were replaced.
    pub replaced: ReplacedNumbers,
}

impl Fields {
    /// # Errors
    /// The body is not a JSON object, or a field has another type.
    pub fn of_body(text: &str) -> Result<Self, ApiError> {
        let (fields, replaced) = object("the body", text)?;
        Self::of_object(fields, replaced)
    }

    /// # Errors
    /// A field has another type.
    pub fn of_object(
        mut fields: Map<String, Value>,
        replaced: ReplacedNumbers,
    ) -> Result<Self, ApiError> {
        let query = text(&mut fields, "query")?;
        let operation_name = text(&mut fields, "operationName")?;
        let variables = map(&mut fields, "variables")?.unwrap_or_default();
        let extensions = map(&mut fields, "extensions")?;
        let document_id = text(&mut fields, DOCUMENT_ID)?;
        let by_id = document_id.map(|id| PersistedQuery::of_document(&id));
        let by_hash = persisted(extensions, &replaced)?;
        Ok(Self {
            query,
            operation_name,
            variables,
            persisted: by_id.into_iter().chain(by_hash).collect(),
            replaced,
        })
    }

    /// # Errors
    /// A parameter is given twice, or is not the JSON that it must be.
    pub fn of_parameters(parameters: &str) -> Result<Self, ApiError> {
        let mut fields = Map::new();
        let mut replaced = ReplacedNumbers::default();
        let mut given = HashSet::new();
        if percent_decode_str(parameters).decode_utf8().is_err() {
            return Err(bad_request("the parameters are not UTF-8"));
        }
        for (name, value) in form_urlencoded::parse(parameters.as_bytes()) {
            let Some(known) = PARAMETERS.into_iter().find(|known| *known == name) else {
                continue;
            };
            if !given.insert(known) {
                return Err(bad_request(format!(
                    "the parameter {known} is given more than once"
                )));
            }
            let value = match known {
                "variables" | "extensions" if matches!(&*value, "" | "null") => continue,
                "variables" | "extensions" => {
                    let (object, numbers) = object(known, &value)?;
                    replaced = replaced.and(numbers);
                    Value::Object(object)
                }
                _ => Value::String(value.into_owned()),
            };
            fields.insert(known.to_owned(), value);
        }
        Self::of_object(fields, replaced)
    }
}

/// Whether the parameters of a GET request have an operation, by its text or by its hash.
#[must_use]
pub fn has_operation(parameters: &str) -> bool {
    form_urlencoded::parse(parameters.as_bytes())
        .any(|(name, _)| matches!(name.as_ref(), "query" | "extensions" | DOCUMENT_ID))
}

fn text(fields: &mut Map<String, Value>, name: &str) -> Result<Option<String>, ApiError> {
    match fields.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(bad_request(wrong_type(name, "a string", &other))),
    }
}

fn map(
    fields: &mut Map<String, Value>,
    name: &str,
) -> Result<Option<Map<String, Value>>, ApiError> {
    match fields.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(map)) => Ok(Some(map)),
        Some(other) => Err(bad_request(wrong_type(name, "a JSON object", &other))),
    }
}

fn persisted(
    extensions: Option<Map<String, Value>>,
    replaced: &ReplacedNumbers,
) -> Result<Option<PersistedQuery>, ApiError> {
    const NAME: &str = "extensions.persistedQuery";
    let given = extensions.and_then(|mut all| all.remove("persistedQuery"));
    let mut fields = match given {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Object(fields)) => fields,
        Some(other) => return Err(bad_request(wrong_type(NAME, "a JSON object", &other))),
    };
    let version = fields.remove("version").unwrap_or_default();
    if version.as_u64() != Some(1) {
        let fault = match version {
            Value::Number(version) => {
                let given = replaced.shown(&version);
                format!("{NAME}.version must be 1, got {given}")
            }
            other => wrong_type(&format!("{NAME}.version"), "1", &other),
        };
        return Err(bad_request(fault));
    }
    match fields.remove("sha256Hash").unwrap_or_default() {
        Value::String(hash) => Ok(Some(PersistedQuery::of_hash(&hash))),
        other => Err(bad_request(wrong_type(SHA256_HASH, "a string", &other))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Fields;
    use crate::errors::Code;
    use crate::graphql::ReplacedNumbers;

    /// The message of the rejection, which must name neither a type of the program nor a location in the parser's words.
    fn fault(given: &str, read: Result<Fields, crate::errors::ApiError>) -> String {
        let error = read.expect_err(given);
        assert_eq!(error.code, Code::BadRequest, "{given}");
        for part in ["struct", "line 1 column", "Fields", "u32", "Option"] {
            assert!(!error.message.contains(part), "{given}: {}", error.message);
        }
        error.message
    }

    #[test]
    fn a_body_that_is_no_object_is_named_in_plain_words() {
        for (body, expected) in [
            ("null", "the body must be a JSON object, got null"),
            ("true", "the body must be a JSON object, got a boolean"),
            ("5", "the body must be a JSON object, got a number"),
            ("\"x\"", "the body must be a JSON object, got a string"),
            (" ", "the body is empty"),
            (
                "{\"query\": ",
                "the body is not JSON: it ends too early (line 1, column 10)",
            ),
            (
                "{\"variables\": {\"n\": 1e400}}",
                "the body has a number out of range (line 1, column 25)",
            ),
            (
                &format!("{{\"variables\": {}", "[".repeat(200)),
                "the body is nested more than 127 deep (line 1, column 141)",
            ),
            (
                "{\n \"query\": ]}",
                "the body is not JSON: expected value (line 2, column 11)",
            ),
            (
                "{\"variables\": {\"n\": 19.990000000000000001}, x}",
                "the body is not JSON: key must be a string (line 1, column 45)",
            ),
            (
                r#"{"query": "{ a }", "query": "{ b }"}"#,
                "the body is not valid: it has \"query\" more than once",
            ),
            (
                r#"{"variables": {"input": {"lines": [{"n": 1, "n": 2}]}}}"#,
                "the body is not valid: it has \"n\" more than once in \"variables.input.lines[0]\"",
            ),
            (
                r#"{"extensions": {"persistedQuery": {"version": 1, "version": 1}}}"#,
                "the body is not valid: it has \"version\" more than once in \"extensions.persistedQuery\"",
            ),
        ] {
            assert_eq!(fault(body, Fields::of_body(body)), expected, "{body}");
        }
    }

    #[test]
    fn a_field_of_another_type_is_named_in_plain_words() {
        for (body, expected) in [
            (r#"{"query": 1}"#, "query must be a string, got a number"),
            (
                r#"{"query": ["{ a }"]}"#,
                "query must be a string, got a list",
            ),
            (
                r#"{"operationName": {}}"#,
                "operationName must be a string, got an object",
            ),
            (
                r#"{"documentId": 7}"#,
                "documentId must be a string, got a number",
            ),
            (
                r#"{"variables": []}"#,
                "variables must be a JSON object, got a list",
            ),
            (
                r#"{"variables": "{}"}"#,
                "variables must be a JSON object, got a string",
            ),
            (
                r#"{"extensions": 1}"#,
                "extensions must be a JSON object, got a number",
            ),
            (
                r#"{"extensions": {"persistedQuery": "x"}}"#,
                "extensions.persistedQuery must be a JSON object, got a string",
            ),
            (
                r#"{"extensions": {"persistedQuery": {}}}"#,
                "extensions.persistedQuery.version must be 1, got null",
            ),
            (
                r#"{"extensions": {"persistedQuery": {"version": 2}}}"#,
                "extensions.persistedQuery.version must be 1, got 2",
            ),
            (
                r#"{"extensions": {"persistedQuery": {"version": -1}}}"#,
                "extensions.persistedQuery.version must be 1, got -1",
            ),
            (
                r#"{"extensions": {"persistedQuery": {"version": "1"}}}"#,
                "extensions.persistedQuery.version must be 1, got a string",
            ),
            (
                r#"{"extensions": {"persistedQuery": {"version": 1, "sha256Hash": 1}}}"#,
                "extensions.persistedQuery.sha256Hash must be a string, got a number",
            ),
        ] {
            assert_eq!(fault(body, Fields::of_body(body)), expected, "{body}");
        }
    }

    #[test]
    fn a_payload_or_a_parameter_of_another_form_is_named_in_plain_words() {
        let payload = json!({"query": "{ a }", "variables": 1});
        let payload = payload.as_object().expect("an object").clone();
        let read = Fields::of_object(payload, ReplacedNumbers::default());
        let message = fault("a payload", read);
        assert_eq!(message, "variables must be a JSON object, got a number");
        for (parameters, expected) in [
            (
                "variables=1",
                "variables must be a JSON object, got a number",
            ),
            (
                "variables=%7B",
                "variables is not JSON: it ends too early (line 1, column 1)",
            ),
            (
                "variables=%7B%22a%22:%7B%22b%22:1,%22b%22:1%7D%7D",
                "variables is not valid: it has \"b\" more than once in \"a\"",
            ),
            (
                "extensions=%7B%22persistedQuery%22:%7B%22version%22:1.00000000000000000001%7D%7D",
                "extensions.persistedQuery.version must be 1, got 1.00000000000000000001",
            ),
            (
                "extensions=[]",
                "extensions must be a JSON object, got a list",
            ),
            (
                "query=a&query=b",
                "the parameter query is given more than once",
            ),
            (
                "query=a&variables=%7B%22n%22:%22%ff%22%7D",
                "the parameters are not UTF-8",
            ),
        ] {
            let read = Fields::of_parameters(parameters);
            assert_eq!(fault(parameters, read), expected);
        }
    }

    #[test]
    fn null_is_as_good_as_nothing() {
        let body = r#"{"query": "{ a }", "operationName": null, "variables": null, "documentId": null,
            "extensions": {"persistedQuery": null, "other": 1}, "unknown": []}"#;
        let fields = Fields::of_body(body).expect("a request");
        assert_eq!(fields.query.as_deref(), Some("{ a }"));
        assert!(fields.persisted.is_empty() && fields.variables.is_empty());
        let fields = Fields::of_parameters("query=a&variables=null&extensions=&variablesX=1");
        assert!(fields.expect("a request").persisted.is_empty());
    }
}
