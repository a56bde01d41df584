//! HTTP responses: a status, a body, and the log position that it reflects.

use async_graphql::{ErrorExtensionValues, PathSegment, Pos, ServerError, Value};
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use grpc_calls::status::Outcome;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::bounded_buffer::BoundedBuffer;
use super::etag;
use super::media::Media;
use crate::errors::{self, ApiError, Code, MutationOutcome};
use crate::execution_context::too_long;
use crate::graphql::{Executed, Limits, root_of};
use crate::journal::{Entry, outcome_of_field};

/// The header with the minimum position of a request, and with the position of a response.
pub const MIN_POSITION: HeaderName = HeaderName::from_static("x-min-position");

/// A longer message is cut.
const MAX_MESSAGE_CHARACTERS: usize = 1_000;

/// How many faults of a document are reported.
const MAX_DOCUMENT_ERRORS: usize = 20;

/// The response to one request, before the media type determines its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpResponse {
    pub body: Vec<u8>,
    /// The log position that it reflects.
    pub position: Option<u64>,
    /// Whether all its errors are decisions of the domain, so that a repeat may get the same response.
    pub is_final: bool,
    /// The code of the first error.
    pub code: Option<String>,
    status: Status,
    /// The `retryAfter` of the error for which the request was rejected.
    retry_after: Option<u64>,
    /// The `WWW-Authenticate` of the error for which it was.
    challenge: Option<&'static str>,
    /// The outcomes of the request's mutations.
    mutations: Vec<Entry>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Executed,
    /// Well-formed, but not executed.
    NotExecuted,
    Fixed(StatusCode),
}

#[derive(Serialize)]
struct Fields<'a> {
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [ServerError],
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Value>,
    #[serde(skip_serializing_if = "Extensions::is_empty")]
    extensions: Extensions,
}

/// The errors of a body.
#[derive(Deserialize)]
struct Errors<'a> {
    #[serde(borrow)]
    errors: Option<&'a RawValue>,
}

#[derive(Default, Serialize)]
struct Extensions {
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<String>,
    #[serde(rename = "readPosition", skip_serializing_if = "Option::is_none")]
    read_position: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    truncated: bool,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    committed: Vec<Committed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<Cost>,
}

/// What the request was counted as before its execution.
#[derive(Clone, Copy, Serialize)]
struct Cost {
    complexity: u64,
    limit: u32,
}

/// What a response is completed with.
#[derive(Clone, Copy, Debug)]
pub struct Completion {
    /// The time of its errors.
    pub now: DateTime<Utc>,
    pub limits: Limits,
}

/// A mutation that took effect but appears nowhere else in the response: another mutation of the request failed, and its
/// null propagated to the whole data.
#[derive(Serialize)]
struct Committed {
    path: [String; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
}

impl Extensions {
    const fn is_empty(&self) -> bool {
        self.position.is_none()
            && !self.truncated
            && self.committed.is_empty()
            && self.cost.is_none()
    }
}

impl HttpResponse {
    /// The response to a request that was rejected before execution.
    #[must_use]
    pub fn rejected(error: &ApiError, outcome: &MutationOutcome, now: DateTime<Utc>) -> Self {
        let mut shown =
            ServerError::new(error.message.as_str(), error.location.as_deref().copied());
        shown.extensions = Some(error.extensions());
        outcome.write(&mut shown);
        complete(&mut shown, now);
        Self {
            retry_after: retry_after_of(&shown),
            challenge: error.code.challenge(),
            body: write(None, &[shown], Extensions::default()),
            position: None,
            is_final: false,
            code: Some(error.code.name().to_owned()),
            status: error
                .code
                .status()
                .map_or(Status::NotExecuted, Status::Fixed),
            mutations: Vec::new(),
        }
    }

    /// The response to a request that was executed, or was invalid against the schema.
    #[must_use]
    pub fn executed(mut executed: Executed, completion: Completion) -> Self {
        let now = completion.now;
        let bad_request = |error: &ServerError| code_of(error) == Some(Code::BadRequest.name());
        if let Some(index) = executed.errors.iter().position(bad_request) {
            return Self::bad_request(executed.errors.swap_remove(index), now);
        }
        let is_executed = executed.data.is_some();
        if !is_executed {
            sort_by_place(&mut executed.errors);
            executed.errors.truncate(MAX_DOCUMENT_ERRORS);
        }
        for error in &mut executed.errors {
            complete(error, now);
        }
        let position = executed.position.filter(|_| is_executed);
        let limit = completion.limits.response_bytes;
        let limited = BoundedBuffer::new(usize::try_from(limit).unwrap_or(usize::MAX));
        let body = completion.body(&executed, position, limited);
        let body = body.unwrap_or_else(|| {
            let mut error =
                async_graphql::Error::from(too_long(limit)).into_server_error(Pos::default());
            error.locations.clear();
            complete(&mut error, now);
            executed.errors = vec![error];
            executed.data = executed.data.take().map(|_| Value::Null);
            let body = completion.body(&executed, position, BoundedBuffer::new(usize::MAX));
            body.unwrap_or_default()
        });
        let business = |error| code_of(error).is_some_and(Code::is_business);
        Self {
            body,
            position,
            is_final: is_executed && executed.errors.iter().all(business),
            code: executed
                .errors
                .first()
                .and_then(code_of)
                .map(ToOwned::to_owned),
            status: if is_executed {
                Status::Executed
            } else {
                Status::NotExecuted
            },
            retry_after: None,
            challenge: None,
            mutations: executed.mutations,
        }
    }

    /// The response in place of this one, which could not be stored under its key: a repeat could get a different one, so
    /// this one must not be sent. If no command was sent, a repeat gets the same response and this one is returned.
    #[must_use]
    pub fn not_stored(self, now: DateTime<Utc>) -> Self {
        if self.mutations.is_empty() {
            return self;
        }
        let error = |entry: &Entry| {
            let path = vec![PathSegment::Field(entry.field.clone())];
            let error = ApiError::new(Code::ServiceUnavailable, "the response could not be stored");
            let mut shown = ServerError::new(error.message.as_str(), Some(entry.location));
            shown.path = path;
            shown.extensions = Some(error.extensions());
            outcome_of_field(&self.mutations, Some(&entry.field), true).write(&mut shown);
            complete(&mut shown, now);
            shown
        };
        let errors: Vec<ServerError> = self.mutations.iter().map(error).collect();
        let extensions = Extensions {
            position: self.position.map(|position| position.to_string()),
            ..Extensions::default()
        };
        Self {
            body: write(Some(&Value::Null), &errors, extensions),
            is_final: false,
            code: Some(Code::ServiceUnavailable.name().to_owned()),
            ..self
        }
    }

    /// The stored response of an earlier, equal request.
    #[must_use]
    pub const fn again(body: Vec<u8>, position: Option<u64>) -> Self {
        Self {
            body,
            position,
            is_final: true,
            code: None,
            status: Status::Executed,
            retry_after: None,
            challenge: None,
            mutations: Vec::new(),
        }
    }

    /// An error of the request itself that only a service could detect.
    fn bad_request(mut error: ServerError, now: DateTime<Utc>) -> Self {
        error.path.clear();
        error.locations.clear();
        complete(&mut error, now);
        Self {
            body: write(None, &[error], Extensions::default()),
            position: None,
            is_final: false,
            code: Some(Code::BadRequest.name().to_owned()),
            status: Status::Fixed(StatusCode::BAD_REQUEST),
            retry_after: None,
            challenge: None,
            mutations: Vec::new(),
        }
    }

    /// The list of its errors, as JSON.
    #[must_use]
    pub fn errors(&self) -> Bytes {
        let body = serde_json::from_slice::<Errors<'_>>(&self.body);
        let errors = body.ok().and_then(|body| body.errors);
        errors.map_or_else(
            || Bytes::from_static(b"[]"),
            |errors| Bytes::copy_from_slice(errors.get().as_bytes()),
        )
    }

    /// Whether the request was executed.
    #[must_use]
    pub fn is_executed(&self) -> bool {
        self.status == Status::Executed
    }

    /// Whether it was executed without an error.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.is_executed() && self.code.is_none()
    }

    /// Converts it into the response to a query by GET, which the client may keep: 304 if it has the same.
    #[must_use]
    pub fn into_conditional_response(self, media: Media, request: &HeaderMap) -> Response {
        let tag = etag::of(&self.body);
        let mut response = etag::conditional(self.into_response(media), tag, request);
        response.headers_mut().append(
            header::VARY,
            HeaderValue::from_static("accept, authorization"),
        );
        response
    }

    /// Converts it into an HTTP response of this media type.
    #[must_use]
    pub fn into_response(self, media: Media) -> Response {
        let status = match (self.status, media) {
            (Status::Executed, _) | (Status::NotExecuted, Media::Json) => StatusCode::OK,
            (Status::NotExecuted, Media::GraphqlResponse) => StatusCode::BAD_REQUEST,
            (Status::Fixed(status), _) => status,
        };
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, media.content_type());
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(position) = self.position {
            headers.insert(MIN_POSITION, HeaderValue::from(position));
        }
        if let Some(seconds) = self.retry_after.filter(|_| status != StatusCode::OK) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(challenge) = self.challenge {
            let challenge = HeaderValue::from_static(challenge);
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(header::ALLOW, HeaderValue::from_static("POST"));
        }
        response
    }
}

impl Completion {
    /// The body; `None` if it exceeds the buffer.
    fn body(
        &self,
        executed: &Executed,
        position: Option<u64>,
        buffer: BoundedBuffer,
    ) -> Option<Vec<u8>> {
        let cost = executed.complexity.map(|complexity| Cost {
            complexity,
            limit: self.limits.complexity,
        });
        let extensions = Extensions {
            position: position.map(|position| position.to_string()),
            read_position: executed.read_position.map(|position| position.to_string()),
            truncated: executed.truncated,
            committed: unmentioned(executed),
            cost,
        };
        write_to(buffer, executed.data.as_ref(), &executed.errors, extensions)
    }
}

fn write(data: Option<&Value>, errors: &[ServerError], extensions: Extensions) -> Vec<u8> {
    let all = BoundedBuffer::new(usize::MAX);
    write_to(all, data, errors, extensions).unwrap_or_default()
}

fn write_to(
    mut buffer: BoundedBuffer,
    data: Option<&Value>,
    errors: &[ServerError],
    extensions: Extensions,
) -> Option<Vec<u8>> {
    let fields = Fields {
        errors,
        data,
        extensions,
    };
    // Fails only if the buffer is full: maps have text keys, and numbers are finite.
    let written = serde_json::to_writer(&mut buffer, &fields);
    written.ok().map(|()| buffer.into_bytes())
}

/// The committed mutations that are neither in the data nor mentioned by an error.
fn unmentioned(executed: &Executed) -> Vec<Committed> {
    if executed.data != Some(Value::Null) {
        return Vec::new();
    }
    let is_mentioned = |entry: &&Entry| {
        let mut roots = executed.errors.iter().map(root_of);
        roots.any(|root| root == Some(&entry.field))
    };
    let committed = executed.mutations.iter();
    let committed = committed.filter(|entry| entry.outcome == Outcome::Committed);
    committed
        .filter(|entry| !is_mentioned(entry))
        .map(|entry| Committed {
            path: [entry.field.clone()],
            position: entry.position.map(|position| position.to_string()),
            id: entry.id.clone(),
        })
        .collect()
}

/// The engine finds errors in an order that differs from one execution to the next; the response is the same each time.
fn sort_by_place(errors: &mut [ServerError]) {
    errors.sort_by_cached_key(|error| {
        let place = error.locations.first();
        let place = place.map(|place| (place.line, place.column));
        (place, error.message.clone())
    });
}

/// Adds the timestamp, and the code of the engine's own errors, all of which are about validation against the schema.
/// Limits the message, which may quote a name of the request.
fn complete(error: &mut ServerError, now: DateTime<Utc>) {
    let mut places = error
        .message
        .char_indices()
        .skip(MAX_MESSAGE_CHARACTERS - 1);
    if let (Some((end, _)), Some(_)) = (places.next(), places.next()) {
        error.message.truncate(end);
        error.message.push('…');
    }
    let extensions = error
        .extensions
        .get_or_insert_with(ErrorExtensionValues::default);
    if extensions.get("code").is_none() {
        extensions.set("code", Code::GraphqlValidationFailed.name());
    }
    let time = now.to_rfc3339_opts(SecondsFormat::Millis, true);
    extensions.set("timestamp", time);
}

fn code_of(error: &ServerError) -> Option<&str> {
    errors::code_of(error.extensions.as_ref()?)
}

fn retry_after_of(error: &ServerError) -> Option<u64> {
    match error.extensions.as_ref()?.get("retryAfter")? {
        Value::Number(seconds) => seconds.as_u64(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{Pos, ServerError};

    use super::sort_by_place;

    #[test]
    fn the_errors_of_a_document_are_in_the_order_of_their_places() {
        let at =
            |line, column, message: &str| ServerError::new(message, Some(Pos { line, column }));
        let expected = ["at the start", "a", "b", "last"];
        let errors = [
            at(1, 9, "b"),
            at(1, 9, "a"),
            at(2, 1, "last"),
            at(1, 2, "at the start"),
        ];
        for first in 0..errors.len() {
            let mut rotated = errors.clone();
            rotated.rotate_left(first);
            sort_by_place(&mut rotated);
            let messages = rotated.map(|error| error.message);
            assert_eq!(messages, expected);
        }
    }
}
