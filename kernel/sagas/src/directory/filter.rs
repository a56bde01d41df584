//! Which open sagas a caller wants listed.

use chrono::{DateTime, Utc};

use crate::status::SagaStatus;
use crate::summary::Summary;

/// A request for a page of open sagas.
#[derive(Clone, Debug)]
pub struct SagaFilter {
    /// Empty means any status.
    pub statuses: Vec<SagaStatus>,
    /// Its name; `None` means any.
    pub saga_type: Option<&'static str>,
    /// The current step.
    pub step: Option<String>,
    /// Upper bound of the start time, inclusive.
    pub started_until: Option<DateTime<Utc>>,
    /// Maximum number of sagas.
    pub limit: usize,
    /// The cursor of the previous page: only ids below this one.
    pub after: Option<String>,
}

impl SagaFilter {
    /// Whether sagas of this type can match.
    pub(super) fn has_type(&self, saga_type: &str) -> bool {
        self.saga_type.is_none_or(|wanted| wanted == saga_type)
    }

    pub(super) fn matches(&self, saga: &Summary) -> bool {
        (self.statuses.is_empty() || self.statuses.contains(&saga.status))
            && self.has_type(saga.saga_type)
            && self
                .step
                .as_ref()
                .is_none_or(|step| saga.current_step == Some(step))
            && self
                .started_until
                .is_none_or(|until| saga.started_at <= until)
    }
}
