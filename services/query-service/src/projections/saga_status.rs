//! Where a saga stands.

/// Where a saga stands, as clients see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SagaStatus {
    /// No step was begun yet.
    Started,
    /// From step to step.
    Running,
    /// Undoing what it did.
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

/// A column that holds no status.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no status of a saga")]
pub struct UnknownStatus(String);

impl SagaStatus {
    /// All of them, as the contract lists them.
    pub const ALL: [Self; 7] = [
        Self::Started,
        Self::Running,
        Self::Compensating,
        Self::Completed,
        Self::Failed,
        Self::Compensated,
        Self::Suspended,
    ];

    /// Its name in the contract.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Started => "STARTED",
            Self::Running => "RUNNING",
            Self::Compensating => "COMPENSATING",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Compensated => "COMPENSATED",
            Self::Suspended => "SUSPENDED",
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

impl TryFrom<String> for SagaStatus {
    type Error = UnknownStatus;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::ALL
            .into_iter()
            .find(|status| status.name() == text)
            .ok_or(UnknownStatus(text))
    }
}
