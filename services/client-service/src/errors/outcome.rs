//! What errors say of outcomes: the words, and when trying again makes sense.

use async_graphql::{ErrorExtensionValues, ServerError, Value};
use contract::status::Outcome;

use super::Code;

/// In how many seconds trying again makes sense when a service does not say.
const RETRY_AFTER_S: u64 = 1;

/// What is said of a service that does not answer.
pub(super) const NOT_AVAILABLE: &str = "the service is not available";

/// What became of the mutation that an error is about, or of the query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MutationOutcome {
    /// Whether it took effect.
    pub outcome: Outcome,
    /// Where it took effect, if it did and that is known.
    pub position: Option<u64>,
    /// What it was about, if it took effect and that is known.
    pub id: Option<String>,
    /// Whether the request carries an Idempotency-Key, so that sending it again is safe.
    pub keyed: bool,
    /// Whether sending the whole request again does twice what another mutation of it did.
    pub repeats_others: bool,
}

impl MutationOutcome {
    /// Of a request of which nothing took effect or could.
    pub const NOTHING: Self = Self {
        outcome: Outcome::None,
        position: None,
        id: None,
        keyed: false,
        repeats_others: false,
    };

    /// Of a request with an Idempotency-Key of which nothing is known: an earlier one may have taken effect.
    pub const UNKNOWN_UNDER_KEY: Self = Self {
        outcome: Outcome::Unknown,
        keyed: true,
        ..Self::NOTHING
    };

    /// Whether an error says when to try again.
    #[must_use]
    pub const fn invites_retry(&self) -> bool {
        match self.outcome {
            Outcome::None => self.keyed || !self.repeats_others,
            Outcome::Unknown => self.keyed,
            Outcome::Committed => false,
        }
    }

    /// What the message says after what went wrong.
    fn words(&self, message: &str) -> &'static str {
        match (self.outcome, self.keyed) {
            (Outcome::None, _) if message == NOT_AVAILABLE => "; nothing happened",
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

    /// Writes it into an error of a request that was executed. A position that the read side refuses is the client's,
    /// and so the request's fault, only as long as no mutation can have raised it.
    pub fn write_executed(&self, error: &mut ServerError) {
        if self.outcome > Outcome::None
            && let Some(values) = &mut error.extensions
            && code_of(values) == Some(Code::BadRequest.name())
        {
            values.set("code", Code::ServiceUnavailable.name());
        }
        self.write(error);
    }

    /// Writes it into an error. Those that are the domain's last word have no outcome, unless something took effect.
    pub fn write(&self, error: &mut ServerError) {
        let committed = self.outcome == Outcome::Committed;
        let values = error
            .extensions
            .get_or_insert_with(ErrorExtensionValues::default);
        if !committed && !code_of(values).is_some_and(Code::says_outcome) {
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
        let words = self.words(&error.message);
        error.message.push_str(words);
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
    use contract::status::Outcome;

    use super::MutationOutcome;

    fn written(code: &str, verdict: &MutationOutcome) -> ErrorExtensionValues {
        let mut error = ServerError::new("failed", None);
        let mut values = ErrorExtensionValues::default();
        values.set("code", code);
        values.set("retryAfter", 9);
        error.extensions = Some(values);
        verdict.write_executed(&mut error);
        error.extensions.unwrap_or_default()
    }

    #[test]
    fn trying_again_is_proposed_where_it_cannot_do_something_twice() {
        let cases = [
            (Outcome::None, false, false, true),
            (Outcome::None, false, true, false),
            (Outcome::None, true, true, true),
            (Outcome::Unknown, false, false, false),
            (Outcome::Unknown, true, true, true),
            (Outcome::Committed, false, false, false),
            (Outcome::Committed, true, false, false),
        ];
        for (outcome, keyed, repeats_others, proposed) in cases {
            let verdict = MutationOutcome {
                outcome,
                keyed,
                repeats_others,
                ..MutationOutcome::NOTHING
            };
            for code in ["SERVICE_UNAVAILABLE", "INTERNAL_ERROR"] {
                let values = written(code, &verdict);
                let retry = values.get("retryAfter");
                assert_eq!(retry.is_some(), proposed, "{code}: {verdict:?}");
                assert_eq!(values.get("outcome"), Some(&Value::from(outcome.name())));
            }
        }
    }

    #[test]
    fn the_last_word_of_the_domain_has_an_outcome_only_below_what_took_effect() {
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
