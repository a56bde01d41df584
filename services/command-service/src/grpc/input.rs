//! Commands from messages: everything is parsed, and all that is wrong is told at once.
//!
//! Old clients cannot leave a field out: on Update "" and 0 mean unchanged to them. The fields from 20 up have
//! presence, and win when they are set.

use contract::decimal;
use contract::proto::{CategoryUpParam, Crud, PriceUpParam, ProductUpParam, StockUpParam};
use domain::value::{
    CategoryName, Description, EntityId, Patch, Price, ProductName, Reason, StockLevel,
    parse_expected_version,
};
use domain::{DomainError, Findings, ValidationError, category, product};
use event_sourcing::{CommandId, Version};

use crate::commands::{
    ChangeProductPrice, CreateCategory, CreateProduct, DeleteCategory, DeleteProduct,
    UpdateCategory, UpdateProduct, UpdateStock,
};

/// What names the ids that the server makes; part of the stored streams' names.
const NEW_ID: &str = "id";

pub(super) fn create_category(
    param: &CategoryUpParam,
    command_id: CommandId,
) -> Result<CreateCategory, DomainError> {
    let mut findings = Findings::default();
    let crud = findings.keep(require_crud(param.crud, Crud::Insert));
    let id = findings.keep(new_id("id", &param.id, command_id));
    let name = param.name_value.as_ref().unwrap_or(&param.name);
    let name = findings.keep(CategoryName::parse("name", name));
    let description = findings.keep(description(
        param.description.as_deref(),
        param.clear_description,
    ));
    let (Some(()), Some(id), Some(name), Some(description)) = (crud, id, name, description) else {
        return Err(findings.into());
    };
    Ok(CreateCategory(category::CreateCategory {
        id,
        name,
        description: description.apply(None),
    }))
}

pub(super) fn update_category(
    param: &CategoryUpParam,
    _: CommandId,
) -> Result<UpdateCategory, DomainError> {
    let mut findings = Findings::default();
    let crud = findings.keep(require_crud(param.crud, Crud::Update));
    let id = findings.keep(EntityId::parse("id", &param.id));
    let name = given(param.name_value.as_deref(), &param.name)
        .map(|text| CategoryName::parse("name", text));
    let name = findings.keep(name.transpose());
    let description = findings.keep(description(
        param.description.as_deref(),
        param.clear_description,
    ));
    let version = findings.keep(expected_version(param.expected_version));
    let (Some(()), Some(id), Some(name), Some(description), Some(expected_version)) =
        (crud, id, name, description, version)
    else {
        return Err(findings.into());
    };
    Ok(UpdateCategory(category::UpdateCategory {
        id,
        name,
        description,
        expected_version,
    }))
}

pub(super) fn delete_category(
    param: &CategoryUpParam,
    _: CommandId,
) -> Result<DeleteCategory, DomainError> {
    to_delete(param.crud, &param.id).map(DeleteCategory)
}

pub(super) fn create_product(
    param: &ProductUpParam,
    command_id: CommandId,
) -> Result<CreateProduct, DomainError> {
    let mut findings = Findings::default();
    let crud = findings.keep(require_crud(param.crud, Crud::Insert));
    let id = findings.keep(new_id("id", &param.id, command_id));
    let name = param.name_value.as_ref().unwrap_or(&param.name);
    let name = findings.keep(ProductName::parse("name", name));
    let description = findings.keep(description(
        param.description.as_deref(),
        param.clear_description,
    ));
    let price = findings.keep(price(param.price_decimal.as_deref(), param.price));
    let category_id = given(param.category_id_value.as_deref(), &param.category_id);
    let category_id = findings.keep(category_patch(category_id, param.clear_category));
    let on_hand = StockLevel::parse("stockQuantity", param.stock_quantity.unwrap_or(0));
    let on_hand = findings.keep(on_hand);
    let (
        (Some(()), Some(id), Some(name), Some(description)),
        (Some(price), Some(category_id), Some(on_hand)),
    ) = ((crud, id, name, description), (price, category_id, on_hand))
    else {
        return Err(findings.into());
    };
    let product = product::CreateProduct {
        id,
        name,
        description: description.apply(None),
        price,
        category_id: category_id.apply(None),
    };
    Ok(CreateProduct { product, on_hand })
}

pub(super) fn update_product(
    param: &ProductUpParam,
    _: CommandId,
) -> Result<UpdateProduct, DomainError> {
    let mut findings = Findings::default();
    let crud = findings.keep(require_crud(param.crud, Crud::Update));
    let id = findings.keep(EntityId::parse("id", &param.id));
    let name = given(param.name_value.as_deref(), &param.name)
        .map(|text| ProductName::parse("name", text));
    let name = findings.keep(name.transpose());
    let description = findings.keep(description(
        param.description.as_deref(),
        param.clear_description,
    ));
    let price = (param.price_decimal.is_some() || param.price != 0.0)
        .then(|| price(param.price_decimal.as_deref(), param.price));
    let price = findings.keep(price.transpose());
    let category_id = given(param.category_id_value.as_deref(), &param.category_id);
    let category_id = findings.keep(category_patch(category_id, param.clear_category));
    let version = findings.keep(expected_version(param.expected_version));
    let stock = findings.keep(refuse_stock(param.stock_quantity));
    let (
        (Some(()), Some(id), Some(name), Some(description)),
        (Some(price), Some(category_id), Some(expected_version), Some(())),
    ) = (
        (crud, id, name, description),
        (price, category_id, version, stock),
    )
    else {
        return Err(findings.into());
    };
    Ok(UpdateProduct(product::UpdateProduct {
        id,
        name,
        description,
        price,
        category_id,
        expected_version,
    }))
}

pub(super) fn delete_product(
    param: &ProductUpParam,
    _: CommandId,
) -> Result<DeleteProduct, DomainError> {
    to_delete(param.crud, &param.id).map(DeleteProduct)
}

pub(super) fn change_price(
    param: &PriceUpParam,
    _: CommandId,
) -> Result<ChangeProductPrice, DomainError> {
    let mut findings = Findings::default();
    let id = findings.keep(EntityId::parse("id", &param.id));
    let new_price = findings.keep(Price::parse("newPrice", &param.new_price));
    let reason = param
        .reason
        .as_ref()
        .map(|text| Reason::parse("reason", text));
    let reason = findings.keep(reason.transpose());
    let (Some(id), Some(new_price), Some(reason)) = (id, new_price, reason) else {
        return Err(findings.into());
    };
    Ok(ChangeProductPrice(product::ChangeProductPrice {
        id,
        new_price,
        reason,
    }))
}

pub(super) fn update_stock(param: &StockUpParam, _: CommandId) -> Result<UpdateStock, DomainError> {
    let mut findings = Findings::default();
    let product_id = findings.keep(EntityId::parse("productId", &param.product_id));
    let on_hand = findings.keep(StockLevel::parse("quantity", param.quantity));
    let (Some(product_id), Some(on_hand)) = (product_id, on_hand) else {
        return Err(findings.into());
    };
    Ok(UpdateStock {
        product_id,
        on_hand,
    })
}

fn to_delete(crud: i32, id: &str) -> Result<EntityId, DomainError> {
    let mut findings = Findings::default();
    let crud = findings.keep(require_crud(crud, Crud::Delete));
    let id = findings.keep(EntityId::parse("id", id));
    match (crud, id) {
        (Some(()), Some(id)) => Ok(id),
        _ => Err(findings.into()),
    }
}

/// The old field `crud` repeats what the method's name says, or says nothing.
fn require_crud(given: i32, method: Crud) -> Result<(), ValidationError> {
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

/// The field with presence, or else the old one unless it says "unchanged".
fn given<'a>(value: Option<&'a str>, old: &'a str) -> Option<&'a str> {
    value.or(Some(old).filter(|text| !text.is_empty()))
}

fn price(decimal: Option<&str>, old: f64) -> Result<Price, ValidationError> {
    match decimal {
        Some(text) => Price::parse("price", text),
        None => Price::parse("price", &from_double("price", old)?),
    }
}

/// The decimal text of an amount that the old contract has as a double.
pub(super) fn from_double(field: &str, given: f64) -> Result<String, ValidationError> {
    decimal::from_double(given).map_err(|error| ValidationError {
        field: field.to_owned(),
        message: format!("{field} {error}, got {given}"),
    })
}

fn description(given: Option<&str>, clear: bool) -> Result<Patch<Description>, ValidationError> {
    let parsed = given.map(|text| Description::parse("description", text));
    patch("description", parsed.transpose()?, clear)
}

fn category_patch(given: Option<&str>, clear: bool) -> Result<Patch<EntityId>, ValidationError> {
    let parsed = given.map(|text| EntityId::parse("categoryId", text));
    patch("categoryId", parsed.transpose()?, clear)
}

fn patch<T>(field: &str, given: Option<T>, clear: bool) -> Result<Patch<T>, ValidationError> {
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

fn expected_version(given: Option<i64>) -> Result<Option<Version>, ValidationError> {
    given
        .map(|version| parse_expected_version("expectedVersion", version))
        .transpose()
}

fn refuse_stock(given: Option<i64>) -> Result<(), ValidationError> {
    match given {
        None => Ok(()),
        Some(quantity) => Err(ValidationError {
            field: "stockQuantity".to_owned(),
            message: format!("stockQuantity must be changed by UpdateStock, got {quantity}"),
        }),
    }
}
