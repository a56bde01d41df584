//! The commands on a product.

use std::sync::Arc;

use event_sourcing::Version;
use event_sourcing::execute::{Command, Lane, States};

use super::event::{ProductCreated, ProductDeleted, ProductEvent, ProductUpdated};
use super::state::Product;
use crate::category::{Category, Membership, MembershipEvent};
use crate::command::{Decided, Deciding, reply};
use crate::error::DomainError;
use crate::stock::Stock;
use crate::value::{Description, EntityId, Patch, Price, ProductName, Reason, StockLevel};

/// Creates the product and its stock, and adds it to its category.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateProduct {
    /// Its id, never used before.
    pub id: EntityId,
    pub name: ProductName,
    pub description: Option<Description>,
    pub price: Price,
    pub category_id: Option<EntityId>,
    /// The initial level.
    pub on_hand: StockLevel,
}

/// Changes the product, and moves it from one category to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateProduct {
    pub id: EntityId,
    /// None leaves the name.
    pub name: Option<ProductName>,
    pub description: Patch<Description>,
    /// None leaves the price.
    pub price: Option<Price>,
    pub category_id: Patch<EntityId>,
    /// The version that the client expects, if any.
    pub expected_version: Option<Version>,
}

/// Changes a product's price, and records the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeProductPrice {
    pub id: EntityId,
    /// Its price from now on.
    pub new_price: Price,
    pub reason: Option<Reason>,
}

/// Deletes the product, closes its stock, and removes it from its category. Reservations do not prevent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteProduct {
    pub id: EntityId,
}

impl Command for CreateProduct {
    const NAME: &'static str = "create_product";
    type Rejection = DomainError;
    type Reply = (Arc<Product>, Arc<Stock>);

    fn streams(&self) -> Vec<Lane> {
        let id = self.id.as_str();
        let category = self.category_id.iter();
        let category = category.map(|category| Lane::read::<Category>(category.as_str()));
        let own = [Lane::create::<Product>(id), Lane::create::<Stock>(id)];
        own.into_iter().chain(category).collect()
    }

    fn decide(&self, work: &mut Deciding<'_>) -> Decided {
        let id = self.id.as_str();
        let created = ProductEvent::Created(ProductCreated {
            product_id: self.id.clone(),
            name: self.name.clone(),
            description: self.description.clone(),
            price: self.price,
            category_id: self.category_id.clone(),
        });
        work.state::<Product>(id)?.require_new(&self.id)?;
        work.append::<Product>(id, &[created])?;
        work.decide::<Stock, _>(id, |stock| stock.open(&self.id, self.on_hand))?;
        move_to(work, &self.id, None, self.category_id.as_ref())
    }

    fn reply(&self, states: &States) -> Option<(Arc<Product>, Arc<Stock>)> {
        reply(states, &self.id).zip(reply(states, &self.id))
    }
}

impl Command for UpdateProduct {
    const NAME: &'static str = "update_product";
    type Rejection = DomainError;
    type Reply = Arc<Product>;

    fn streams(&self) -> Vec<Lane> {
        let mut lanes = vec![Lane::write::<Product>(self.id.as_str())];
        if let Patch::Set(category) = &self.category_id {
            lanes.push(Lane::read::<Category>(category.as_str()));
        }
        lanes
    }

    fn decide(&self, work: &mut Deciding<'_>) -> Decided {
        let product = work.state::<Product>(self.id.as_str())?;
        let old = product.existing_at(&self.id, self.expected_version)?;
        let category_id = self.category_id.apply(old.category_id.as_ref());
        let updated = ProductUpdated {
            name: self.name.clone().unwrap_or_else(|| old.name.clone()),
            description: self.description.apply(old.description.as_ref()),
            price: self.price.unwrap_or(old.price),
            category_id: category_id.clone(),
            ..old.unchanged()
        };
        work.append::<Product>(self.id.as_str(), &old.changed(updated, None))?;
        move_to(
            work,
            &self.id,
            old.category_id.as_ref(),
            category_id.as_ref(),
        )
    }

    fn reply(&self, states: &States) -> Option<Arc<Product>> {
        reply(states, &self.id)
    }
}

impl Command for ChangeProductPrice {
    const NAME: &'static str = "change_product_price";
    type Rejection = DomainError;
    type Reply = Arc<Product>;

    fn decide(&self, work: &mut Deciding<'_>) -> Decided {
        work.decide::<Product, DomainError>(self.id.as_str(), |product| {
            let old = product.existing(&self.id)?;
            let updated = ProductUpdated {
                price: self.new_price,
                ..old.unchanged()
            };
            Ok(old.changed(updated, self.reason.clone()))
        })
    }

    fn reply(&self, states: &States) -> Option<Arc<Product>> {
        reply(states, &self.id)
    }
}

impl Command for DeleteProduct {
    const NAME: &'static str = "delete_product";
    type Rejection = DomainError;
    type Reply = Arc<Product>;

    fn streams(&self) -> Vec<Lane> {
        let id = self.id.as_str();
        vec![Lane::write::<Product>(id), Lane::write::<Stock>(id)]
    }

    fn decide(&self, work: &mut Deciding<'_>) -> Decided {
        let id = self.id.as_str();
        let product = work.state::<Product>(id)?;
        let category_id = product.existing(&self.id)?.category_id.clone();
        let deleted = ProductEvent::Deleted(ProductDeleted {
            product_id: self.id.clone(),
            category_id: category_id.clone(),
        });
        work.append::<Product>(id, &[deleted])?;
        work.decide::<Stock, _>(id, |stock| stock.close(&self.id))?;
        move_to(work, &self.id, category_id.as_ref(), None)
    }

    fn reply(&self, states: &States) -> Option<Arc<Product>> {
        reply(states, &self.id)
    }
}

/// Moves a product between the memberships of categories, unless both are the same.
fn move_to(
    work: &mut Deciding<'_>,
    product: &EntityId,
    from: Option<&EntityId>,
    to: Option<&EntityId>,
) -> Decided {
    if from == to {
        return Ok(());
    }
    if let Some(from) = from {
        let removed = MembershipEvent::removed(from, product);
        work.append_any::<Membership>(from.as_str(), &[removed]);
    }
    if let Some(to) = to {
        // The category's stream is a precondition of the commit, so the category cannot be deleted in the meantime.
        let category = work.state::<Category>(to.as_str())?;
        category.accept_product(to)?;
        let added = MembershipEvent::added(to, product);
        work.append_any::<Membership>(to.as_str(), &[added]);
    }
    Ok(())
}
