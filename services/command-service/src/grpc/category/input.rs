//! Converts messages into category commands.

use contract::proto::{CategoryUpParam, Crud};
use domain::category::{CreateCategory, DeleteCategory, UpdateCategory};
use domain::value::{CategoryName, EntityId};
use domain::{DomainError, ValidationErrors};
use event_sourcing::CommandId;

use super::super::input::{description, expected_version, given, new_id, require_crud, to_delete};

pub(super) fn create(
    param: &CategoryUpParam,
    command_id: CommandId,
) -> Result<CreateCategory, DomainError> {
    let mut findings = ValidationErrors::default();
    let crud = findings.check(require_crud(param.crud, Crud::Insert));
    let id = findings.check(new_id("id", &param.id, command_id));
    let name = param.name_value.as_ref().unwrap_or(&param.name);
    let name = findings.check(CategoryName::parse("name", name));
    let description = findings.check(description(
        param.description.as_deref(),
        param.clear_description,
    ));
    let (Some(()), Some(id), Some(name), Some(description)) = (crud, id, name, description) else {
        return Err(findings.into());
    };
    Ok(CreateCategory {
        id,
        name,
        description: description.apply(None),
    })
}

pub(super) fn update(param: &CategoryUpParam, _: CommandId) -> Result<UpdateCategory, DomainError> {
    let mut findings = ValidationErrors::default();
    let crud = findings.check(require_crud(param.crud, Crud::Update));
    let id = findings.check(EntityId::parse("id", &param.id));
    let name = given(param.name_value.as_deref(), &param.name)
        .map(|text| CategoryName::parse("name", text));
    let name = findings.check(name.transpose());
    let description = findings.check(description(
        param.description.as_deref(),
        param.clear_description,
    ));
    let version = findings.check(expected_version(param.expected_version));
    let (Some(()), Some(id), Some(name), Some(description), Some(expected_version)) =
        (crud, id, name, description, version)
    else {
        return Err(findings.into());
    };
    Ok(UpdateCategory {
        id,
        name,
        description,
        expected_version,
    })
}

pub(super) fn delete(param: &CategoryUpParam, _: CommandId) -> Result<DeleteCategory, DomainError> {
    let id = to_delete(param.crud, &param.id)?;
    Ok(DeleteCategory { id })
}
