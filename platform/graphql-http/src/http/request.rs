//! Parses a GraphQL request from an HTTP request.

use async_graphql::Variables;
use axum::body::Body;
use event_sourcing::quoted;
use http::{HeaderMap, HeaderValue, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::{Map, Value};

use super::fields::Fields;
use super::headers::{only, position};
use super::json::bad_request;
use super::media::is_json;
use super::responder::Responder;
use super::response::MIN_POSITION;
use crate::errors::{ApiError, Code};
use crate::graphql::{Prepared, Query, ReplacedNumbers};
use crate::persisted::PersistedOperations;

const MAX_BODY_BYTES: usize = 100 * 1024;
const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Asks for the complexity of the request in `extensions.cost`.
const GRAPHQL_COST: &str = "graphql-cost";
const MAX_KEY_CHARS: usize = 255;

/// Parses a POST request.
///
/// # Errors
/// The body is not JSON, too long, or not a GraphQL request.
pub async fn from_post(
    headers: &HeaderMap,
    body: Body,
    operations: &PersistedOperations,
) -> Result<Query, ApiError> {
    if !is_json(only(headers, header::CONTENT_TYPE, "Content-Type")?) {
        let message = "the Content-Type must be application/json in UTF-8";
        return Err(ApiError::new(Code::UnsupportedMediaType, message));
    }
    if headers.contains_key(header::CONTENT_ENCODING) {
        let message = "the body must not have a Content-Encoding";
        return Err(ApiError::new(Code::UnsupportedMediaType, message));
    }
    let length = headers.get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > MAX_BODY_BYTES) {
        return Err(too_large());
    }
    let body = Limited::new(body, MAX_BODY_BYTES).collect().await;
    let bytes = body.map_err(|error| {
        if error.is::<LengthLimitError>() {
            too_large()
        } else {
            bad_request("the body could not be read completely")
        }
    })?;
    let bytes = bytes.to_bytes();
    let text = std::str::from_utf8(&bytes).map_err(|_| bad_request("the body is not UTF-8"))?;
    if text.trim_start().starts_with('[') {
        return Err(bad_request("batches of requests are not accepted"));
    }
    query(Fields::of_body(text)?, operations)
}

/// Parses the request in a message of another protocol.
///
/// # Errors
/// It is not a GraphQL request.
pub fn from_object(
    fields: Map<String, Value>,
    replaced: ReplacedNumbers,
    operations: &PersistedOperations,
) -> Result<Query, ApiError> {
    query(Fields::of_object(fields, replaced)?, operations)
}

/// Stores the text of a valid request under the hash that it came with. Only valid ones: a cache of others would evict those
/// in use.
pub async fn store_persisted(
    operations: &PersistedOperations,
    responder: &Responder,
    prepared: &Prepared,
) {
    let query = prepared.query();
    if let Some(persisted) = &query.persisted
        && responder.rejection(prepared).await.is_none()
    {
        operations.store(&query.text, persisted);
    }
}

/// Parses a GET request.
///
/// # Errors
/// The parameters are not a GraphQL request.
pub fn from_get(parameters: &str, operations: &PersistedOperations) -> Result<Query, ApiError> {
    query(Fields::of_parameters(parameters)?, operations)
}

fn query(fields: Fields, operations: &PersistedOperations) -> Result<Query, ApiError> {
    let Fields {
        query,
        operation_name,
        variables,
        persisted,
        replaced,
    } = fields;
    let is_stored = query.is_none();
    let text = operations.resolve(query, &persisted)?;
    Ok(Query {
        text,
        // Some clients always send the field, empty if no name is set.
        operation_name: operation_name.filter(|name| !name.is_empty()),
        variables: Variables::from_json(Value::Object(variables)),
        replaced,
        reports_cost: false,
        persisted: persisted.into_iter().next().filter(|_| !is_stored),
    })
}

/// The minimum position that the request must read at.
///
/// # Errors
/// The header is not a position, or there is more than one.
pub fn minimum(headers: &HeaderMap) -> Result<Option<u64>, ApiError> {
    const SHOWN: &str = "X-Min-Position";
    let value = only(headers, MIN_POSITION, SHOWN)?;
    value.map(|value| position(value, SHOWN)).transpose()
}

/// Whether the client asks for the complexity of its request.
///
/// # Errors
/// The header has another value than `report`, or there is more than one.
pub fn reports_cost(headers: &HeaderMap) -> Result<bool, ApiError> {
    match only(headers, GRAPHQL_COST, "GraphQL-Cost")?.map(HeaderValue::as_bytes) {
        None => Ok(false),
        Some(b"report") => Ok(true),
        Some(other) => {
            let given = quoted(&String::from_utf8_lossy(other));
            Err(bad_request(format!(
                "GraphQL-Cost must be report, got {given}"
            )))
        }
    }
}

/// Whether the request has an Idempotency-Key, valid or not.
#[must_use]
pub fn has_idempotency_key(headers: &HeaderMap) -> bool {
    headers.contains_key(IDEMPOTENCY_KEY)
}

/// The request's Idempotency-Key.
///
/// # Errors
/// The header is empty, too long or not text, or there is more than one.
pub fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(value) = only(headers, IDEMPOTENCY_KEY, "Idempotency-Key")? else {
        return Ok(None);
    };
    let text = std::str::from_utf8(value.as_bytes())
        .map_err(|_| bad_request("the Idempotency-Key must be UTF-8 text"))?;
    let chars = text.chars().count();
    if chars == 0 || chars > MAX_KEY_CHARS {
        let message =
            format!("the Idempotency-Key must have 1 to {MAX_KEY_CHARS} characters, got {chars}");
        return Err(bad_request(message));
    }
    Ok(Some(text.to_owned()))
}

fn too_large() -> ApiError {
    let message = format!("the body has at most {MAX_BODY_BYTES} bytes");
    ApiError::new(Code::PayloadTooLarge, message)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::super::event_stream::last_event;
    use super::{MAX_BODY_BYTES, from_get, from_post, idempotency_key, minimum, reports_cost};
    use crate::documentation::{LIMITS, table};
    use crate::errors::Code;
    use crate::persisted::PersistedOperations;

    fn with(name: &'static str, value: &str) -> HeaderMap {
        let value = HeaderValue::from_bytes(value.as_bytes()).expect("a header");
        HeaderMap::from_iter([(HeaderName::from_static(name), value)])
    }

    #[test]
    fn a_get_request_is_read_from_the_parameters() {
        let query = from_get(
            "query=%7B+a+%7D&operationName=X&variables=%7B%22n%22%3A1%7D",
            &PersistedOperations::default(),
        );
        let query = query.expect("a request");
        assert_eq!(query.text, "{ a }");
        assert_eq!(query.operation_name.as_deref(), Some("X"));
        assert!(query.variables.contains_key("n"));
        for bad in ["", "query=", "query=x&variables=1", "query=x&variables=%7B"] {
            assert_eq!(
                from_get(bad, &PersistedOperations::default())
                    .expect_err(bad)
                    .code,
                Code::BadRequest
            );
        }
    }

    #[tokio::test]
    async fn an_empty_operation_name_is_none() {
        let query = from_get(
            "query=%7B+a+%7D&operationName=",
            &PersistedOperations::default(),
        )
        .expect("a request");
        assert_eq!(query.operation_name, None);
        let body = r#"{"query": "{ a }", "operationName": ""}"#;
        let query = from_post(
            &with("content-type", "application/json"),
            body.into(),
            &PersistedOperations::default(),
        )
        .await;
        assert_eq!(query.expect("a request").operation_name, None);
    }

    #[test]
    fn a_minimum_is_a_position() {
        assert_eq!(minimum(&HeaderMap::new()), Ok(None));
        assert_eq!(minimum(&with("x-min-position", "42")), Ok(Some(42)));
        for bad in ["", "-1", "+1", "1.5", "x", "9223372036854775808"] {
            let error = minimum(&with("x-min-position", bad)).expect_err(bad);
            assert_eq!(error.code, Code::BadRequest);
            assert!(error.message.starts_with("X-Min-Position"));
            let given = format!("got \"{bad}\"");
            assert!(error.message.ends_with(&given), "{}", error.message);
        }
    }

    #[test]
    fn the_cost_is_reported_if_the_client_asks_for_it() {
        assert_eq!(reports_cost(&HeaderMap::new()), Ok(false));
        assert_eq!(reports_cost(&with("graphql-cost", "report")), Ok(true));
        for bad in ["", "REPORT", "none"] {
            let error = reports_cost(&with("graphql-cost", bad)).expect_err(bad);
            assert_eq!(error.code, Code::BadRequest);
            let expected = format!("GraphQL-Cost must be report, got \"{bad}\"");
            assert_eq!(error.message, expected);
        }
    }

    /// Two values of one header are rejected even if they are equal: a proxy could have used another one.
    #[tokio::test]
    async fn a_header_that_is_repeated_is_rejected_with_its_name() {
        let json = "application/json";
        let twice = |name: &'static str, value: &str| {
            let mut headers = with(name, value);
            headers.append(name, HeaderValue::from_str(value).expect("a header"));
            headers
        };
        let operations = PersistedOperations::default();
        let body = r#"{"query": "{ a }"}"#;
        let typed_twice = twice("content-type", json);
        let posted = from_post(&typed_twice, body.into(), &operations);
        for (name, error) in [
            (
                "X-Min-Position",
                minimum(&twice("x-min-position", "1")).err(),
            ),
            (
                "GraphQL-Cost",
                reports_cost(&twice("graphql-cost", "report")).err(),
            ),
            (
                "Idempotency-Key",
                idempotency_key(&twice("idempotency-key", "k")).err(),
            ),
            (
                "Last-Event-ID",
                last_event(&twice("last-event-id", "1")).err(),
            ),
            ("Content-Type", posted.await.err()),
        ] {
            let error = error.expect(name);
            assert_eq!(error.code, Code::BadRequest, "{name}");
            assert_eq!(error.message, format!("there is more than one {name}"));
        }
    }

    #[test]
    fn a_key_has_1_to_255_characters() {
        assert_eq!(idempotency_key(&HeaderMap::new()), Ok(None));
        let key = "k".repeat(255);
        let given = idempotency_key(&with("idempotency-key", &key));
        assert_eq!(given, Ok(Some(key)));
        for bad in [String::new(), "k".repeat(256)] {
            let error = idempotency_key(&with("idempotency-key", &bad)).expect_err("a bad key");
            assert_eq!(error.code, Code::BadRequest);
        }
    }

    #[test]
    fn the_documentation_has_the_limit_of_the_body() {
        let rows = table(LIMITS, "limit");
        let row = rows.iter().find(|row| row[0] == "bytes of the request");
        let shown = row.and_then(|row| row[1].split(' ').next());
        assert_eq!(shown, Some(MAX_BODY_BYTES.to_string().as_str()));
    }
}
