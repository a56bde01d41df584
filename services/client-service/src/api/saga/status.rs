//! The status of a saga.

use async_graphql::Enum;
use contract::query;
use graphql_http::ApiError;

/// The status of a saga.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum SagaStatus {
    /// No step has started yet.
    Started,
    /// Its steps are being executed.
    Running,
    /// Its completed steps are being compensated.
    Compensating,
    /// Every step took effect; final.
    Completed,
    /// An operator closed it; final.
    Failed,
    /// The effects of all completed steps were compensated; final.
    Compensated,
    /// It waits for an operator, who resumes or closes it.
    Suspended,
}

impl SagaStatus {
    /// From its number in the messages, which is the same in both services' enums.
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
    use graphql_http::Code;

    #[test]
    fn only_the_numbers_of_statuses_are_accepted() {
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
