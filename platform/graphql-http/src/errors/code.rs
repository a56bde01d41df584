//! The codes of the contract.

use http::StatusCode;

/// The machine-readable kind of an error: `extensions.code`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(test, derive(async_graphql::Enum))]
pub enum Code {
    /// The client must authenticate.
    Unauthenticated,
    /// The client's token is not accepted.
    InvalidToken,
    /// The client lacks the permission.
    Forbidden,
    /// The entity does not exist.
    NotFound,
    /// A well-typed value breaks a rule.
    ValidationError,
    /// The command conflicts with the current state.
    Conflict,
    /// The client has asked for too much in a minute; a retry may succeed.
    RateLimitExceeded,
    /// A service did not answer; a retry may succeed.
    ServiceUnavailable,
    /// A bug or an unexpected failure.
    InternalError,
    /// The text is not GraphQL.
    GraphqlParseFailed,
    /// The document or its variables are invalid against the schema.
    GraphqlValidationFailed,
    /// The query is nested too deeply.
    QueryTooDeep,
    /// The query exceeds the complexity limit.
    QueryTooComplex,
    /// No operation is stored under the hash; the client sends its text too.
    PersistedQueryNotFound,
    /// Only registered operations are executed, and this is none of them.
    PersistedQueryNotInList,
    /// The body is too long.
    PayloadTooLarge,
    /// The body is not JSON.
    UnsupportedMediaType,
    /// The client accepts none of the response's media types.
    NotAcceptable,
    /// The HTTP request is not a GraphQL request.
    BadRequest,
    /// A mutation was not sent by POST, or a path does not take the method.
    MethodNotAllowed,
    /// The gateway has no such path.
    UnknownPath,
    /// The Idempotency-Key belongs to another request.
    IdempotencyKeyReused,
    /// The request with this Idempotency-Key is still running.
    IdempotencyInProgress,
}

impl Code {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unauthenticated | Self::InvalidToken => "UNAUTHENTICATED",
            Self::Forbidden => "FORBIDDEN",
            Self::NotFound => "NOT_FOUND",
            Self::ValidationError => "VALIDATION_ERROR",
            Self::Conflict => "CONFLICT",
            Self::RateLimitExceeded => "RATE_LIMIT_EXCEEDED",
            Self::ServiceUnavailable => "SERVICE_UNAVAILABLE",
            Self::InternalError => "INTERNAL_ERROR",
            Self::GraphqlParseFailed => "GRAPHQL_PARSE_FAILED",
            Self::GraphqlValidationFailed => "GRAPHQL_VALIDATION_FAILED",
            Self::QueryTooDeep => "QUERY_TOO_DEEP",
            Self::QueryTooComplex => "QUERY_TOO_COMPLEX",
            Self::PersistedQueryNotFound => "PERSISTED_QUERY_NOT_FOUND",
            Self::PersistedQueryNotInList => "PERSISTED_QUERY_NOT_IN_LIST",
            Self::PayloadTooLarge => "PAYLOAD_TOO_LARGE",
            Self::UnsupportedMediaType => "UNSUPPORTED_MEDIA_TYPE",
            Self::NotAcceptable | Self::BadRequest | Self::MethodNotAllowed | Self::UnknownPath => {
                "BAD_REQUEST"
            }
            Self::IdempotencyKeyReused => "IDEMPOTENCY_KEY_REUSED",
            Self::IdempotencyInProgress => "IDEMPOTENCY_IN_PROGRESS",
        }
    }

    /// Whether messages with this code may quote the request, which may contain personal data. Those are not logged.
    #[must_use]
    pub const fn may_quote(self) -> bool {
        matches!(
            self,
            Self::GraphqlParseFailed
                | Self::GraphqlValidationFailed
                | Self::BadRequest
                | Self::MethodNotAllowed
                | Self::UnknownPath
                | Self::Forbidden
                | Self::NotFound
        )
    }

    /// The HTTP status of a request that was rejected with this code before execution. `None`: it depends on the media type
    /// of the response, as GraphQL over HTTP specifies for well-formed requests.
    #[must_use]
    pub const fn status(self) -> Option<StatusCode> {
        match self {
            Self::PayloadTooLarge => Some(StatusCode::PAYLOAD_TOO_LARGE),
            Self::UnsupportedMediaType => Some(StatusCode::UNSUPPORTED_MEDIA_TYPE),
            Self::NotAcceptable => Some(StatusCode::NOT_ACCEPTABLE),
            Self::BadRequest => Some(StatusCode::BAD_REQUEST),
            Self::MethodNotAllowed => Some(StatusCode::METHOD_NOT_ALLOWED),
            Self::UnknownPath => Some(StatusCode::NOT_FOUND),
            Self::IdempotencyKeyReused => Some(StatusCode::UNPROCESSABLE_ENTITY),
            Self::IdempotencyInProgress => Some(StatusCode::CONFLICT),
            Self::Unauthenticated | Self::InvalidToken => Some(StatusCode::UNAUTHORIZED),
            Self::Forbidden => Some(StatusCode::FORBIDDEN),
            Self::RateLimitExceeded => Some(StatusCode::TOO_MANY_REQUESTS),
            Self::ServiceUnavailable => Some(StatusCode::SERVICE_UNAVAILABLE),
            Self::InternalError => Some(StatusCode::INTERNAL_SERVER_ERROR),
            Self::NotFound
            | Self::ValidationError
            | Self::Conflict
            | Self::GraphqlParseFailed
            | Self::GraphqlValidationFailed
            | Self::QueryTooDeep
            | Self::QueryTooComplex
            | Self::PersistedQueryNotFound
            | Self::PersistedQueryNotInList => None,
        }
    }

    /// How a client authenticates after this rejection, as a value of `WWW-Authenticate` (RFC 6750, section 3).
    #[must_use]
    pub const fn challenge(self) -> Option<&'static str> {
        match self {
            Self::Unauthenticated => Some("Bearer"),
            Self::InvalidToken => Some("Bearer error=\"invalid_token\""),
            _ => None,
        }
    }

    /// Whether an error with this code name carries an `outcome`.
    #[must_use]
    pub fn has_outcome(name: &str) -> bool {
        [Self::ServiceUnavailable, Self::InternalError]
            .iter()
            .any(|code| code.name() == name)
    }

    /// Whether an error with this code name is a final decision of the domain, which a repeat of the request gets again.
    #[must_use]
    pub fn is_business(name: &str) -> bool {
        [Self::NotFound, Self::ValidationError, Self::Conflict]
            .iter()
            .any(|code| code.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use async_graphql::resolver_utils::EnumType;

    use super::Code;
    use crate::documentation::{ERRORS, table};

    /// The status of a code, as the table shows it.
    fn shown_status(name: &str, statuses: &BTreeSet<u16>) -> String {
        if statuses.is_empty() {
            let executed = Code::is_business(name);
            return if executed { "200" } else { "200 or 400" }.to_owned();
        }
        let statuses: Vec<String> = statuses.iter().map(u16::to_string).collect();
        statuses.join(", ")
    }

    #[test]
    fn the_documentation_has_each_code_with_its_status() {
        let mut codes: BTreeMap<&str, BTreeSet<u16>> = BTreeMap::new();
        for item in Code::items() {
            let statuses = codes.entry(item.value.name()).or_default();
            statuses.extend(item.value.status().map(|status| status.as_u16()));
        }
        let rows = table(ERRORS, "code");
        let mut shown = BTreeMap::new();
        for row in &rows {
            assert_eq!(row.len(), 4, "a row of docs/api/errors.md: {row:?}");
            shown.insert(row[0].trim_matches('`'), row[1]);
        }
        for (code, statuses) in &codes {
            let status = shown_status(code, statuses);
            assert_eq!(
                shown.get(code),
                Some(&status.as_str()),
                "{code} in docs/api/errors.md"
            );
        }
        let unknown: Vec<_> = shown
            .keys()
            .filter(|code| !codes.contains_key(*code))
            .collect();
        assert!(
            unknown.is_empty(),
            "docs/api/errors.md has unknown codes: {unknown:?}"
        );
    }
}
