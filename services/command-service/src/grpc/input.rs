//! Converts messages into commands. All fields are validated, and all errors are returned together.
//!
//! Fields of the old contract have no presence: on Update "" and 0 mean unchanged. The fields from 20 up have presence
//! and take precedence when they are set.

use contract::decimal;
use contract::proto::Crud;
use domain::value::{Description, EntityId, Patch, Reason, UserId, parse_expected_version};
use domain::{DomainError, ValidationError, ValidationErrors};
use event_sourcing::{CommandId, Version};

/// The name from which generated ids are derived. It determines stored stream names, so it must not change.
const NEW_ID: &str = "id";

pub(super) fn to_delete(crud: i32, id: &str) -> Result<EntityId, DomainError> {
    let mut findings = ValidationErrors::default();
    let crud = findings.check(require_crud(crud, Crud::Delete));
    let id = findings.check(EntityId::parse("id", id));
    match (crud, id) {
        (Some(()), Some(id)) => Ok(id),
        _ => Err(findings.into()),
    }
}

/// The old field `crud` must be UNKNOWN or repeat the method.
pub(super) fn require_crud(given: i32, method: Crud) -> Result<(), ValidationError> {
    match Crud::try_from(given) {
        Ok(crud) if crud == Crud::Unknown || crud == method => Ok(()),
        known => {
            let shown =
                known.map_or_else(|_| given.to_string(), |crud| crud.as_str_name().to_owned());
            Err(ValidationError {
                field: "crud".to_owned(),
                message: format!(
                    "crud must be UNKNOWN or {}, got {shown}",
                    method.as_str_name()
                ),
            })
        }
    }
}

pub(super) fn new_id(
    field: &str,
    given: &str,
    command_id: CommandId,
) -> Result<EntityId, ValidationError> {
    if given.is_empty() {
        return Ok(EntityId::from(command_id.derive(NEW_ID)));
    }
    EntityId::parse(field, given)
}

/// The field with presence, else the old field unless it is empty, which means unchanged.
pub(super) fn given<'a>(value: Option<&'a str>, old: &'a str) -> Option<&'a str> {
    value.or(Some(old).filter(|text| !text.is_empty()))
}

/// The decimal text of an amount that the old contract carries as a double.
pub(super) fn from_double(field: &str, given: f64) -> Result<String, ValidationError> {
    decimal::from_double(given).map_err(|error| ValidationError {
        field: field.to_owned(),
        message: format!("{field} {error}, got {given}"),
    })
}

pub(super) fn description(
    given: Option<&str>,
    clear: bool,
) -> Result<Patch<Description>, ValidationError> {
    let parsed = given.map(|text| Description::parse("description", text));
    patch("description", parsed.transpose()?, clear)
}

pub(super) fn patch<T>(
    field: &str,
    given: Option<T>,
    clear: bool,
) -> Result<Patch<T>, ValidationError> {
    match (given, clear) {
        (Some(_), true) => Err(ValidationError {
            field: field.to_owned(),
            message: format!("{field} must be either set or cleared, got both"),
        }),
        (Some(value), false) => Ok(Patch::Set(value)),
        (None, true) => Ok(Patch::Clear),
        (None, false) => Ok(Patch::Keep),
    }
}

pub(super) fn expected_version(given: Option<i64>) -> Result<Option<Version>, ValidationError> {
    given
        .map(|version| parse_expected_version("expectedVersion", version))
        .transpose()
}

/// The operator and the reason of an operator's action; both are required.
pub(super) fn acting(
    findings: &mut ValidationErrors,
    who: &str,
    reason: &str,
) -> Option<(UserId, Reason)> {
    let who = findings.check(UserId::parse("who", who));
    let reason = findings.check(Reason::parse("reason", reason).and_then(not_blank));
    who.zip(reason)
}

fn not_blank(reason: Reason) -> Result<Reason, ValidationError> {
    if reason.as_str().trim().is_empty() {
        let message = "reason must have 1 to 1000 characters, got 0".to_owned();
        let field = "reason".to_owned();
        return Err(ValidationError { field, message });
    }
    Ok(reason)
}
