//! Converts messages into commands on products and their stock.

use contract::proto::{Crud, PriceUpParam, ProductUpParam, StockUpParam};
use domain::product::{ChangeProductPrice, CreateProduct, DeleteProduct, UpdateProduct};
use domain::stock::UpdateStock;
use domain::value::{EntityId, Patch, Price, ProductName, Reason, StockLevel};
use domain::{DomainError, ValidationError, ValidationErrors};
use event_sourcing::CommandId;

use super::super::input::{
    description, expected_version, from_double, given, new_id, patch, require_crud, to_delete,
};

pub(super) fn create(
    param: &ProductUpParam,
    command_id: CommandId,
) -> Result<CreateProduct, DomainError> {
    let mut findings = ValidationErrors::default();
    let crud = findings.check(require_crud(param.crud, Crud::Insert));
    let id = findings.check(new_id("id", &param.id, command_id));
    let name = param.name_value.as_ref().unwrap_or(&param.name);
    let name = findings.check(ProductName::parse("name", name));
    let description = findings.check(description(
        param.description.as_deref(),
        param.clear_description,
    ));
    let price = findings.check(price(param.price_decimal.as_deref(), param.price));
    let category_id = given(param.category_id_value.as_deref(), &param.category_id);
    let category_id = findings.check(category_patch(category_id, param.clear_category));
    let on_hand = StockLevel::parse("stockQuantity", param.stock_quantity.unwrap_or(0));
    let on_hand = findings.check(on_hand);
    let (
        (Some(()), Some(id), Some(name), Some(description)),
        (Some(price), Some(category_id), Some(on_hand)),
    ) = ((crud, id, name, description), (price, category_id, on_hand))
    else {
        return Err(findings.into());
    };
    Ok(CreateProduct {
        id,
        name,
        description: description.apply(None),
        price,
        category_id: category_id.apply(None),
        on_hand,
    })
}

pub(super) fn update(param: &ProductUpParam, _: CommandId) -> Result<UpdateProduct, DomainError> {
    let mut findings = ValidationErrors::default();
    let crud = findings.check(require_crud(param.crud, Crud::Update));
    let id = findings.check(EntityId::parse("id", &param.id));
    let name = given(param.name_value.as_deref(), &param.name)
        .map(|text| ProductName::parse("name", text));
    let name = findings.check(name.transpose());
    let description = findings.check(description(
        param.description.as_deref(),
        param.clear_description,
    ));
    let price = (param.price_decimal.is_some() || param.price != 0.0)
        .then(|| price(param.price_decimal.as_deref(), param.price));
    let price = findings.check(price.transpose());
    let category_id = given(param.category_id_value.as_deref(), &param.category_id);
    let category_id = findings.check(category_patch(category_id, param.clear_category));
    let version = findings.check(expected_version(param.expected_version));
    let stock = findings.check(reject_stock(param.stock_quantity));
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
    Ok(UpdateProduct {
        id,
        name,
        description,
        price,
        category_id,
        expected_version,
    })
}

pub(super) fn delete(param: &ProductUpParam, _: CommandId) -> Result<DeleteProduct, DomainError> {
    let id = to_delete(param.crud, &param.id)?;
    Ok(DeleteProduct { id })
}

pub(super) fn change_price(
    param: &PriceUpParam,
    _: CommandId,
) -> Result<ChangeProductPrice, DomainError> {
    let mut findings = ValidationErrors::default();
    let id = findings.check(EntityId::parse("id", &param.id));
    let new_price = findings.check(Price::parse("newPrice", &param.new_price));
    let reason = param
        .reason
        .as_ref()
        .map(|text| Reason::parse("reason", text));
    let reason = findings.check(reason.transpose());
    let (Some(id), Some(new_price), Some(reason)) = (id, new_price, reason) else {
        return Err(findings.into());
    };
    Ok(ChangeProductPrice {
        id,
        new_price,
        reason,
    })
}

pub(super) fn update_stock(param: &StockUpParam, _: CommandId) -> Result<UpdateStock, DomainError> {
    let mut findings = ValidationErrors::default();
    let product_id = findings.check(EntityId::parse("productId", &param.product_id));
    let on_hand = findings.check(StockLevel::parse("quantity", param.quantity));
    let (Some(product_id), Some(on_hand)) = (product_id, on_hand) else {
        return Err(findings.into());
    };
    Ok(UpdateStock {
        product_id,
        on_hand,
    })
}

fn price(decimal: Option<&str>, old: f64) -> Result<Price, ValidationError> {
    match decimal {
        Some(text) => Price::parse("price", text),
        None => Price::parse("price", &from_double("price", old)?),
    }
}

fn category_patch(given: Option<&str>, clear: bool) -> Result<Patch<EntityId>, ValidationError> {
    let parsed = given.map(|text| EntityId::parse("categoryId", text));
    patch("categoryId", parsed.transpose()?, clear)
}

fn reject_stock(given: Option<i64>) -> Result<(), ValidationError> {
    match given {
        None => Ok(()),
        Some(quantity) => Err(ValidationError {
            field: "stockQuantity".to_owned(),
            message: format!("stockQuantity must be changed by UpdateStock, got {quantity}"),
        }),
    }
}
