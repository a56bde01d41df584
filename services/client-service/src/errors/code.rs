//! The codes of the contract.

use http::StatusCode;

/// The machine-readable kind of an error: `extensions.code`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// Who asks is not known.
    Unauthenticated,
    /// Who asks may not.
    Forbidden,
    /// There is no such thing.
    NotFound,
    /// A well-typed value breaks a rule.
    ValidationError,
    /// Something else is in the way.
    Conflict,
    /// A service did not answer; trying again may help.
    ServiceUnavailable,
    /// A fault of ours.
    InternalError,
    /// The text is not GraphQL.
    GraphqlParseFailed,
    /// The text does not fit the schema.
    GraphqlValidationFailed,
    /// The query is nested too deeply.
    QueryTooDeep,
    /// The query asks for too much.
    QueryTooComplex,
    /// The body is too long.
    PayloadTooLarge,
    /// The body is not JSON.
    UnsupportedMediaType,
    /// No answer in a media type that the client accepts.
    NotAcceptable,
    /// The HTTP request is not a GraphQL request.
    BadRequest,
    /// Only POST may change something.
    MethodNotAllowed,
    /// The Idempotency-Key belongs to another request.
    IdempotencyKeyReused,
    /// The request with this Idempotency-Key is still running.
    IdempotencyInProgress,
}

impl Code {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Forbidden => "FORBIDDEN",
            Self::NotFound => "NOT_FOUND",
            Self::ValidationError => "VALIDATION_ERROR",
            Self::Conflict => "CONFLICT",
            Self::ServiceUnavailable => "SERVICE_UNAVAILABLE",
            Self::InternalError => "INTERNAL_ERROR",
            Self::GraphqlParseFailed => "GRAPHQL_PARSE_FAILED",
            Self::GraphqlValidationFailed => "GRAPHQL_VALIDATION_FAILED",
            Self::QueryTooDeep => "QUERY_TOO_DEEP",
            Self::QueryTooComplex => "QUERY_TOO_COMPLEX",
            Self::PayloadTooLarge => "PAYLOAD_TOO_LARGE",
            Self::UnsupportedMediaType => "UNSUPPORTED_MEDIA_TYPE",
            Self::NotAcceptable | Self::BadRequest | Self::MethodNotAllowed => "BAD_REQUEST",
            Self::IdempotencyKeyReused => "IDEMPOTENCY_KEY_REUSED",
            Self::IdempotencyInProgress => "IDEMPOTENCY_IN_PROGRESS",
        }
    }

    /// Whether a message with it may repeat what the client sent, which may be about a customer.
    #[must_use]
    pub const fn may_quote(self) -> bool {
        matches!(
            self,
            Self::GraphqlParseFailed
                | Self::GraphqlValidationFailed
                | Self::BadRequest
                | Self::Forbidden
                | Self::NotFound
        )
    }

    /// The HTTP status of a request that was refused with it before anything was executed. `None`: the media type
    /// of the answer decides, as GraphQL over HTTP says of well-formed requests.
    #[must_use]
    pub const fn status(self) -> Option<StatusCode> {
        match self {
            Self::PayloadTooLarge => Some(StatusCode::PAYLOAD_TOO_LARGE),
            Self::UnsupportedMediaType => Some(StatusCode::UNSUPPORTED_MEDIA_TYPE),
            Self::NotAcceptable => Some(StatusCode::NOT_ACCEPTABLE),
            Self::BadRequest => Some(StatusCode::BAD_REQUEST),
            Self::MethodNotAllowed => Some(StatusCode::METHOD_NOT_ALLOWED),
            Self::IdempotencyKeyReused => Some(StatusCode::UNPROCESSABLE_ENTITY),
            Self::IdempotencyInProgress => Some(StatusCode::CONFLICT),
            Self::Unauthenticated => Some(StatusCode::UNAUTHORIZED),
            Self::Forbidden => Some(StatusCode::FORBIDDEN),
            Self::ServiceUnavailable => Some(StatusCode::SERVICE_UNAVAILABLE),
            Self::InternalError => Some(StatusCode::INTERNAL_SERVER_ERROR),
            Self::NotFound
            | Self::ValidationError
            | Self::Conflict
            | Self::GraphqlParseFailed
            | Self::GraphqlValidationFailed
            | Self::QueryTooDeep
            | Self::QueryTooComplex => None,
        }
    }

    /// Whether an error with this code name says what became of the request.
    #[must_use]
    pub fn says_outcome(name: &str) -> bool {
        [Self::ServiceUnavailable, Self::InternalError]
            .iter()
            .any(|code| code.name() == name)
    }

    /// Whether an error with this code name is the domain's last word, so that the same request gets it again.
    #[must_use]
    pub fn is_business(name: &str) -> bool {
        [Self::NotFound, Self::ValidationError, Self::Conflict]
            .iter()
            .any(|code| code.name() == name)
    }
}
