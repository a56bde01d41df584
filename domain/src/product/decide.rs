//! A product's state and the decisions on it.

use chrono::{DateTime, Utc};
use event_sourcing::{Aggregate, Version};
use serde::{Deserialize, Serialize};

use super::event::{
    ProductCreated, ProductDeleted, ProductEvent, ProductPriceChanged, ProductUpdated,
};
use crate::error::{Conflict, DomainError, Entity};
use crate::life::Life;
use crate::value::{Description, EntityId, Patch, Price, ProductName, Reason};

/// A product as its events tell it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    version: Version,
    life: Life<ProductValues>,
}

/// What a product has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductValues {
    /// Its id.
    pub id: EntityId,
    /// Its name.
    pub name: ProductName,
    /// Its description.
    pub description: Option<Description>,
    /// Its price.
    pub price: Price,
    /// Its category.
    pub category_id: Option<EntityId>,
    /// The time of its first event.
    pub created_at: DateTime<Utc>,
    /// The time of its last event.
    pub updated_at: DateTime<Utc>,
}

/// Makes a product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateProduct {
    /// Its id, never used before.
    pub id: EntityId,
    /// Its name.
    pub name: ProductName,
    /// Its description.
    pub description: Option<Description>,
    /// Its price.
    pub price: Price,
    /// Its category.
    pub category_id: Option<EntityId>,
}

/// Changes a product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateProduct {
    /// Its id.
    pub id: EntityId,
    /// Another name, or nothing to keep it.
    pub name: Option<ProductName>,
    /// What to do with the description.
    pub description: Patch<Description>,
    /// Another price, or nothing to keep it.
    pub price: Option<Price>,
    /// What to do with the category.
    pub category_id: Patch<EntityId>,
    /// The version that the client has seen, if it cares.
    pub expected_version: Option<Version>,
}

/// Changes a product's price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeProductPrice {
    /// The product.
    pub id: EntityId,
    /// Its price from now on.
    pub new_price: Price,
    /// Why, for audit.
    pub reason: Option<Reason>,
}

impl Product {
    /// How many events it has.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// Whether it is there, and its values.
    #[must_use]
    pub fn life(&self) -> &Life<ProductValues> {
        &self.life
    }

    /// The values of the product that the client calls `id`.
    ///
    /// # Errors
    /// `NotFound` if it never was or is deleted.
    pub fn existing(&self, id: &EntityId) -> Result<&ProductValues, DomainError> {
        self.life.alive().ok_or_else(|| DomainError::NotFound {
            entity: Entity::Product,
            id: id.clone(),
        })
    }

    /// Decides on [`CreateProduct`]. That its category accepts it is the category's to say.
    ///
    /// # Errors
    /// `IdTaken`.
    pub fn create(&self, command: &CreateProduct) -> Result<Vec<ProductEvent>, DomainError> {
        if self.version != Version::NONE {
            return Err(DomainError::Conflict(Conflict::IdTaken {
                entity: Entity::Product,
                id: command.id.clone(),
            }));
        }
        Ok(vec![ProductEvent::Created(ProductCreated {
            product_id: command.id.clone(),
            name: command.name.clone(),
            description: command.description.clone(),
            price: command.price,
            category_id: command.category_id.clone(),
        })])
    }

    /// Decides on [`UpdateProduct`]. No events if nothing changes; a price change of more than 10 % is noted for
    /// audit as well.
    ///
    /// # Errors
    /// `NotFound`, or `Version` if the client has seen another one.
    pub fn update(&self, command: &UpdateProduct) -> Result<Vec<ProductEvent>, DomainError> {
        let old = self.existing(&command.id)?;
        if let Some(expected) = command.expected_version
            && expected != self.version
        {
            return Err(DomainError::Conflict(Conflict::Version {
                entity: Entity::Product,
                id: command.id.clone(),
                expected,
                actual: self.version,
            }));
        }
        let new = ProductUpdated {
            product_id: old.id.clone(),
            name: command.name.clone().unwrap_or_else(|| old.name.clone()),
            description: command.description.apply(old.description.as_ref()),
            price: command.price.unwrap_or(old.price),
            category_id: command.category_id.apply(old.category_id.as_ref()),
            previous_category_id: old.category_id.clone(),
        };
        Ok(old.become_these(new, None))
    }

    /// The category that [`UpdateProduct`] leaves and the one that it enters, where there are such. Nothing if the
    /// product stays.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn moved_category(&self, command: &UpdateProduct) -> Result<Option<Move>, DomainError> {
        let old = self.existing(&command.id)?;
        let new = command.category_id.apply(old.category_id.as_ref());
        if new == old.category_id {
            return Ok(None);
        }
        Ok(Some(Move {
            from: old.category_id.clone(),
            to: new,
        }))
    }

    /// Decides on [`ChangeProductPrice`]. No events if the price is that already; a change of more than 10 %, and
    /// each change with a reason, is noted for audit as well.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn change_price(
        &self,
        command: &ChangeProductPrice,
    ) -> Result<Vec<ProductEvent>, DomainError> {
        let old = self.existing(&command.id)?;
        let new = ProductUpdated {
            product_id: old.id.clone(),
            name: old.name.clone(),
            description: old.description.clone(),
            price: command.new_price,
            category_id: old.category_id.clone(),
            previous_category_id: old.category_id.clone(),
        };
        Ok(old.become_these(new, command.reason.clone()))
    }

    /// Decides on the deletion.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn delete(&self, id: &EntityId) -> Result<Vec<ProductEvent>, DomainError> {
        let old = self.existing(id)?;
        Ok(vec![ProductEvent::Deleted(ProductDeleted {
            product_id: old.id.clone(),
            category_id: old.category_id.clone(),
        })])
    }
}

/// A product's way from one category to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// Where it was.
    pub from: Option<EntityId>,
    /// Where it goes.
    pub to: Option<EntityId>,
}

impl ProductValues {
    fn become_these(&self, new: ProductUpdated, reason: Option<Reason>) -> Vec<ProductEvent> {
        let unchanged = new.name == self.name
            && new.description == self.description
            && new.price == self.price
            && new.category_id == self.category_id;
        if unchanged {
            return Vec::new();
        }
        let price = new.price;
        let mut events = vec![ProductEvent::Updated(new)];
        if price != self.price && (reason.is_some() || self.price.changes_much(price)) {
            events.push(ProductEvent::PriceChanged(ProductPriceChanged {
                product_id: self.id.clone(),
                old_price: self.price,
                new_price: price,
                reason,
            }));
        }
        events
    }
}

impl Aggregate for Product {
    const TYPE: &'static str = "product";
    const SNAPSHOT_VERSION: u32 = 1;
    type Event = ProductEvent;

    fn evolve(&mut self, event: &ProductEvent, at: DateTime<Utc>) {
        self.version = self.version.next();
        match event {
            ProductEvent::Created(data) => {
                self.life = Life::Alive(ProductValues {
                    id: data.product_id.clone(),
                    name: data.name.clone(),
                    description: data.description.clone(),
                    price: data.price,
                    category_id: data.category_id.clone(),
                    created_at: at,
                    updated_at: at,
                });
            }
            ProductEvent::Updated(data) => self.life.change(|product| {
                product.name = data.name.clone();
                product.description.clone_from(&data.description);
                product.price = data.price;
                product.category_id.clone_from(&data.category_id);
                product.updated_at = at;
            }),
            ProductEvent::PriceChanged(_) => self.life.change(|product| product.updated_at = at),
            ProductEvent::Deleted(_) => {
                self.life.change(|product| product.updated_at = at);
                self.life.end();
            }
        }
    }
}
