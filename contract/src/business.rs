//! Business errors: rejections by the domain, which are part of an OK reply.

use crate::proto::Error;
pub use crate::proto::FieldError;

/// The detail with the name of a validation error's first invalid field, in the spelling of the GraphQL schema.
pub const FIELD: &str = "field";
/// Each invalid field has a detail with its message, under this prefix and its name.
pub const FIELD_PREFIX: &str = "field:";

/// The kinds of business errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorType {
    /// The input breaks a rule.
    Validation,
    /// The subject of the command does not exist.
    NotFound,
    /// The command conflicts with the current state, such as another version or a name in use.
    Conflict,
    /// The order's status does not allow the command.
    Domain,
}

impl ErrorType {
    const ALL: [Self; 4] = [
        Self::Validation,
        Self::NotFound,
        Self::Conflict,
        Self::Domain,
    ];

    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Validation => "VALIDATION_ERROR",
            Self::NotFound => "NOT_FOUND",
            Self::Conflict => "CONFLICT",
            Self::Domain => "DOMAIN_ERROR",
        }
    }

    /// The corresponding gRPC status number.
    #[must_use]
    pub const fn code(self) -> i32 {
        match self {
            Self::Validation => 3,
            Self::NotFound => 5,
            Self::Conflict => 6,
            Self::Domain => 9,
        }
    }

    /// The type of a received error; `None` if this binary does not know it.
    #[must_use]
    pub fn of(error: &Error) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|error_type| error_type.name() == error.r#type)
    }

    /// An error of this type.
    #[must_use]
    pub fn error(self, message: impl Into<String>) -> Error {
        Error {
            r#type: self.name().to_owned(),
            message: message.into(),
            code: self.code(),
            ..Error::default()
        }
    }
}

/// A validation error about these fields.
#[must_use]
pub fn validation_error(message: impl Into<String>, fields: &[FieldError]) -> Error {
    let mut error = ErrorType::Validation.error(message);
    if let Some(first) = fields.first() {
        error.details.insert(FIELD.to_owned(), first.field.clone());
    }
    for FieldError { field, message } in fields {
        error
            .details
            .insert(format!("{FIELD_PREFIX}{field}"), message.clone());
    }
    error.field_errors = fields.to_vec();
    error
}

/// The field errors of a validation error, in the order of its message. A service of an earlier version sends only the
/// details, which have no order: then they are ordered by name, and those of a list by index.
#[must_use]
pub fn field_errors(error: &Error) -> Vec<FieldError> {
    if !error.field_errors.is_empty() {
        return error.field_errors.clone();
    }
    let mut fields: Vec<FieldError> = error
        .details
        .iter()
        .filter_map(|(key, message)| {
            Some(FieldError {
                field: key.strip_prefix(FIELD_PREFIX)?.to_owned(),
                message: message.clone(),
            })
        })
        .collect();
    fields.sort_by(|a, b| places(&a.field).cmp(places(&b.field)));
    fields
}

/// The parts of a field's name, so that `items[2]` sorts before `items[10]`.
fn places(field: &str) -> impl Iterator<Item = (Option<u64>, &str)> {
    field.split('[').map(|part| match part.split_once(']') {
        Some((place, rest)) => (place.parse().ok(), rest),
        None => (None, part),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_round_trip() {
        for error_type in ErrorType::ALL {
            assert_eq!(ErrorType::of(&error_type.error("x")), Some(error_type));
        }
        assert_eq!(ErrorType::of(&Error::default()), None);
    }

    fn field(field: &str, message: &str) -> FieldError {
        FieldError {
            field: field.to_owned(),
            message: message.to_owned(),
        }
    }

    #[test]
    fn every_invalid_field_is_reported_in_the_order_of_the_message() {
        let given = [
            field("price", "price is negative"),
            field("name", "name is empty"),
            field("name", "name is reserved"),
        ];
        let error = validation_error("three rules are broken", &given);
        assert_eq!(error.code, 3);
        assert_eq!(error.details.get(FIELD).map(String::as_str), Some("price"));
        assert_eq!(field_errors(&error), given);
        assert_eq!(field_errors(&ErrorType::Conflict.error("x")), []);
    }

    #[test]
    fn details_alone_are_ordered_by_name() {
        let names = [
            "items",
            "items[2].quantity",
            "items[10].price",
            "items[10].quantity",
            "name",
        ];
        let mixed = [4, 2, 0, 3, 1].map(|index| field(names[index], "is wrong"));
        let sorted = names.map(|name| field(name, "is wrong"));
        let mut error = validation_error("much is wrong", &mixed);
        error.field_errors.clear();
        assert_eq!(field_errors(&error), sorted);
    }
}
