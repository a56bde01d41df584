//! Rejections by the domain, which a service returns inside an OK reply.

use contract::business::{ErrorType, FIELD, FieldError, field_errors};
use contract::proto::Error;
use graphql_http::{ApiError, Code};

#[must_use]
pub fn from_business(error: Error) -> ApiError {
    let code = match ErrorType::of(&error) {
        Some(ErrorType::Validation) => Code::ValidationError,
        Some(ErrorType::NotFound) => Code::NotFound,
        Some(ErrorType::Conflict | ErrorType::Domain) => Code::Conflict,
        None => {
            return ApiError::internal(format!(
                "a rejection of the unknown type {:?}",
                error.r#type
            ));
        }
    };
    ApiError {
        field: error.details.get(FIELD).cloned(),
        validation_errors: field_errors(&error).into_iter().map(field_error).collect(),
        ..ApiError::new(code, error.message)
    }
}

fn field_error(error: FieldError) -> graphql_http::FieldError {
    let FieldError { field, message } = error;
    graphql_http::FieldError { field, message }
}

#[cfg(test)]
mod tests {
    use contract::business::{ErrorType, FieldError, validation_error};

    use super::{Code, field_error, from_business};

    #[test]
    fn a_validation_error_names_its_fields() {
        let fields = [FieldError {
            field: "price".to_owned(),
            message: "has at most two decimals".to_owned(),
        }];
        let error = from_business(validation_error("price has at most two decimals", &fields));
        assert_eq!(error.code, Code::ValidationError);
        assert_eq!(error.field.as_deref(), Some("price"));
        assert_eq!(error.validation_errors, fields.map(field_error));
    }

    #[test]
    fn a_domain_error_is_a_conflict_and_an_unknown_type_is_an_internal_error() {
        let domain = from_business(ErrorType::Domain.error("shipped already"));
        assert_eq!(domain.code, Code::Conflict);
        let unknown = from_business(contract::proto::Error::default());
        assert_eq!(unknown.code, Code::InternalError);
        assert!(unknown.error_id.is_some());
    }
}
