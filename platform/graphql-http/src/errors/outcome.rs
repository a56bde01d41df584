//! The outcome of a mutation in its errors: the extensions, the message, and whether to retry.

use async_graphql::{ErrorExtensionValues, ServerError, Value};
use grpc_calls::status::Outcome;

use super::Code;

/// The `retryAfter` of errors for which a service gave none.
const RETRY_AFTER_S: u64 = 1;

/// The message for a service that does not answer.
pub const NOT_AVAILABLE: &str = "the service is not available";

/// The outcome of the mutation or query that an error belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MutationOutcome {
    pub outcome: Outcome,
    /// The log position at which it took effect, if known.
    pub position: Option<u64>,
    /// The id of the entity, if it took effect and the id is known.
    pub id: Option<String>,
    /// Whether the request carries an Idempotency-Key, so that repeating it is safe.
    pub keyed: bool,
    /// Whether repeating the whole request would execute another of its mutations a second time.
    pub repeats_others: bool,
}

impl MutationOutcome {
    /// The outcome of a request of which nothing can have taken effect.
    pub const NOTHING: Self = Self {
        outcome: Outcome::None,
        position: None,
        id: None,
        keyed: false,
        repeats_others: false,
    };

    /// The outcome of a request with an Idempotency-Key that failed early: an earlier request with the key may have taken
    /// effect.
    pub const UNKNOWN_UNDER_KEY: Self = Self {
        outcome: Outcome::Unknown,
        keyed: true,
        ..Self::NOTHING
    };

    /// Whether an error carries `retryAfter`: only if a retry cannot execute anything twice.
    #[must_use]
    pub const fn invites_retry(&self) -> bool {
        match self.outcome {
            Outcome::None => self.keyed || !self.repeats_others,
            Outcome::Unknown => self.keyed,
            Outcome::Committed => false,
        }
    }

    /// What is appended to the error message.
    fn suffix(&self, message: &str) -> &'static str {
        match (self.outcome, self.keyed) {
            (Outcome::None, _) if message == NOT_AVAILABLE => "; nothing took effect",
            (Outcome::None, _) => "",
            (Outcome::Unknown, true) => {
                "; the outcome is unknown, retry with the same Idempotency-Key"
            }
            (Outcome::Unknown, false) => {
                "; the outcome is unknown, read before sending it again without an Idempotency-Key"
            }
            (Outcome::Committed, _) => "; the mutation took effect",
        }
    }

    /// Adds the outcome to an error of an executed request. A position that the read side rejects as too high is the
    /// client's own, and therefore a bad request, only if no mutation of the request can have raised it.
    pub fn write_executed(&self, error: &mut ServerError) {
        if self.outcome > Outcome::None
            && let Some(values) = &mut error.extensions
            && code_of(values) == Some(Code::BadRequest.name())
        {
            values.set("code", Code::ServiceUnavailable.name());
        }
        self.write(error);
    }

    /// Adds the outcome to an error. Decisions of the domain carry none, unless the mutation took effect.
    pub fn write(&self, error: &mut ServerError) {
        let committed = self.outcome == Outcome::Committed;
        let values = error
            .extensions
            .get_or_insert_with(ErrorExtensionValues::default);
        if !committed && !code_of(values).is_some_and(Code::has_outcome) {
            return;
        }
        values.set("outcome", self.outcome.name());
        if !self.invites_retry() {
            values.unset("retryAfter");
        } else if values.get("retryAfter").is_none() {
            values.set("retryAfter", RETRY_AFTER_S);
        }
        if let Some(position) = self.position {
            values.set("position", position.to_string());
        }
        if let Some(id) = &self.id {
            values.set("id", id.as_str());
        }
        let suffix = self.suffix(&error.message);
        error.message.push_str(suffix);
    }
}

/// The code of an error.
#[must_use]
pub fn code_of(values: &ErrorExtensionValues) -> Option<&str> {
    match values.get("code")? {
        Value::String(code) => Some(code),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{ErrorExtensionValues, ServerError, Value};
    use grpc_calls::status::Outcome;

    use super::MutationOutcome;

    fn written(code: &str, outcome: &MutationOutcome) -> ErrorExtensionValues {
        let mut error = ServerError::new("failed", None);
        let mut values = ErrorExtensionValues::default();
        values.set("code", code);
        values.set("retryAfter", 9);
        error.extensions = Some(values);
        outcome.write_executed(&mut error);
        error.extensions.unwrap_or_default()
    }

    #[test]
    fn retry_after_is_set_only_where_a_retry_executes_nothing_twice() {
        let cases = [
            (Outcome::None, false, false, true),
            (Outcome::None, false, true, false),
            (Outcome::None, true, true, true),
            (Outcome::Unknown, false, false, false),
            (Outcome::Unknown, true, true, true),
            (Outcome::Committed, false, false, false),
            (Outcome::Committed, true, false, false),
        ];
        for (outcome, keyed, repeats_others, expected) in cases {
            let mutation = MutationOutcome {
                outcome,
                keyed,
                repeats_others,
                ..MutationOutcome::NOTHING
            };
            for code in ["SERVICE_UNAVAILABLE", "INTERNAL_ERROR"] {
                let values = written(code, &mutation);
                let retry = values.get("retryAfter");
                assert_eq!(retry.is_some(), expected, "{code}: {mutation:?}");
                assert_eq!(values.get("outcome"), Some(&Value::from(outcome.name())));
            }
        }
    }

    #[test]
    fn a_domain_error_has_an_outcome_only_below_a_committed_mutation() {
        let values = written("NOT_FOUND", &MutationOutcome::UNKNOWN_UNDER_KEY);
        assert_eq!(values.get("outcome"), None);
        let committed = MutationOutcome {
            outcome: Outcome::Committed,
            position: Some(7),
            id: Some("a".to_owned()),
            ..MutationOutcome::NOTHING
        };
        let values = written("NOT_FOUND", &committed);
        assert_eq!(values.get("outcome"), Some(&Value::from("committed")));
        assert_eq!(values.get("position"), Some(&Value::from("7")));
        assert_eq!(values.get("id"), Some(&Value::from("a")));
        let values = written("BAD_REQUEST", &committed);
        assert_eq!(
            values.get("code"),
            Some(&Value::from("SERVICE_UNAVAILABLE"))
        );
    }
}
