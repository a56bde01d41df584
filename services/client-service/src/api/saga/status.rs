//! Where sagas stand.

use async_graphql::Enum;
use contract::query;

use crate::errors::ApiError;

/// Where a saga stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum SagaStatus {
    /// No step was begun yet.
    Started,
    /// It goes from step to step.
    Running,
    /// It undoes what it did.
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

impl SagaStatus {
    /// From its number in the messages of both sides, which count alike.
    ///
    /// # Errors
    /// There is no such status.
    pub fn from_number(number: i32) -> Result<Self, ApiError> {
        use query::SagaStatus as Wire;
        match Wire::try_from(number) {
            Ok(Wire::Started) => Ok(Self::Started),
            Ok(Wire::Running) => Ok(Self::Running),
            Ok(Wire::Compensating) => Ok(Self::Compensating),
            Ok(Wire::Completed) => Ok(Self::Completed),
            Ok(Wire::Failed) => Ok(Self::Failed),
            Ok(Wire::Compensated) => Ok(Self::Compensated),
            Ok(Wire::Suspended) => Ok(Self::Suspended),
            Ok(Wire::Unspecified) | Err(_) => {
                Err(ApiError::internal(format!("no saga status {number}")))
            }
        }
    }

    /// Its name in lower case.
    #[must_use]
    pub const fn lower_case(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Running => "running",
            Self::Compensating => "compensating",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Compensated => "compensated",
            Self::Suspended => "suspended",
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::resolver_utils::EnumType;

    use super::SagaStatus;
    use crate::errors::Code;

    #[test]
    fn every_status_has_its_number_and_no_other_number_is_one() {
        for (number, item) in (1..).zip(SagaStatus::items()) {
            assert_eq!(SagaStatus::from_number(number), Ok(item.value));
            assert_eq!(item.value.lower_case(), item.name.to_lowercase());
        }
        for number in [-1, 0, 8] {
            let error = SagaStatus::from_number(number).expect_err("no status");
            assert_eq!(error.code, Code::InternalError);
        }
    }
}
