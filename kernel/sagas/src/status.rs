//! A saga's status in one word.

use serde::{Deserialize, Serialize};

/// Where a saga stands, as people and clients see it. The one list of these words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum SagaStatus {
    /// No step was begun yet.
    Started,
    /// It goes from step to step.
    Running,
    /// It goes backwards.
    Compensating,
    /// Every step took effect.
    Completed,
    /// A person closed it.
    Failed,
    /// Nothing of it is left.
    Compensated,
    /// It waits for a person.
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
    /// Not one of them.
    pub fn parse(name: &str) -> Result<Self, UnknownStatus> {
        Self::ALL
            .into_iter()
            .find(|status| status.name() == name)
            .ok_or_else(|| UnknownStatus(name.to_owned()))
    }

    /// In capital letters, as it is stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.words().0
    }

    /// In small letters.
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
    fn each_is_read_from_its_name_alone() {
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
