//! A saga's status as clients see it.

use serde::{Deserialize, Serialize};

/// The status of a saga as operators and clients see it. The only list of these names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum SagaStatus {
    /// No step has started.
    Started,
    /// It executes its steps.
    Running,
    /// It undoes its steps.
    Compensating,
    /// Every step took effect.
    Completed,
    /// An operator closed it.
    Failed,
    /// Every effect is undone.
    Compensated,
    /// It waits for an operator.
    Suspended,
}

/// A text that is no [`name`](SagaStatus::name).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no status of a saga")]
pub struct UnknownStatus(String);

impl SagaStatus {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Started,
        Self::Running,
        Self::Compensating,
        Self::Completed,
        Self::Failed,
        Self::Compensated,
        Self::Suspended,
    ];

    /// Reads a [`name`](Self::name).
    ///
    /// # Errors
    /// [`UnknownStatus`] for any other text, names in lower case too.
    pub fn parse(name: &str) -> Result<Self, UnknownStatus> {
        Self::ALL
            .into_iter()
            .find(|status| status.name() == name)
            .ok_or_else(|| UnknownStatus(name.to_owned()))
    }

    /// The name in upper case, as it is stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.words().0
    }

    /// The name in lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.words().1
    }

    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Started => ("STARTED", "started"),
            Self::Running => ("RUNNING", "running"),
            Self::Compensating => ("COMPENSATING", "compensating"),
            Self::Completed => ("COMPLETED", "completed"),
            Self::Failed => ("FAILED", "failed"),
            Self::Compensated => ("COMPENSATED", "compensated"),
            Self::Suspended => ("SUSPENDED", "suspended"),
        }
    }

    /// Whether it is an end.
    #[must_use]
    pub const fn is_end(self) -> bool {
        match self {
            Self::Completed | Self::Failed | Self::Compensated => true,
            Self::Started | Self::Running | Self::Compensating | Self::Suspended => false,
        }
    }
}

impl From<SagaStatus> for &'static str {
    fn from(status: SagaStatus) -> Self {
        status.name()
    }
}

impl TryFrom<String> for SagaStatus {
    type Error = UnknownStatus;

    fn try_from(name: String) -> Result<Self, UnknownStatus> {
        Self::parse(&name)
    }
}

#[cfg(test)]
mod tests {
    use super::SagaStatus;

    #[test]
    fn a_status_is_parsed_from_its_name_only() {
        for status in SagaStatus::ALL {
            assert_eq!(SagaStatus::parse(status.name()), Ok(status));
            assert_eq!(status.as_str(), status.name().to_ascii_lowercase());
            assert!(SagaStatus::parse(status.as_str()).is_err());
        }
        let unknown = SagaStatus::try_from("ASLEEP".to_owned());
        assert_eq!(
            unknown.unwrap_err().to_string(),
            "\"ASLEEP\" is no status of a saga"
        );
    }
}
