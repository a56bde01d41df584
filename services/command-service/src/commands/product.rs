//! Products: their own stream, their stock's, and the membership of the categories that they enter and leave.

use domain::DomainError;
use domain::category::Category;
use domain::category_membership::{Membership, MembershipEvent};
use domain::product::{self, Product, ProductValues};
use domain::stock::Stock;
use domain::value::{EntityId, Patch, StockLevel};
use event_sourcing::execute::{Command, Lane, States};

use super::stock::{self, StockAnswer};
use super::{Deciding, Rejected};

/// A product as a command left it: behind a deletion, as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductAnswer {
    /// Its values.
    pub values: ProductValues,
    /// Counts its own stream.
    pub version: u64,
    /// Its stock, from the command that opened it.
    pub stock: Option<StockAnswer>,
}

/// Begins the product and its stock, and puts it into its category.
#[derive(Clone, Debug)]
pub struct CreateProduct {
    /// What the product's own stream is asked.
    pub product: product::CreateProduct,
    /// What is on hand at first.
    pub on_hand: StockLevel,
}

/// Changes the product, and takes it from one category to another.
#[derive(Clone, Debug)]
pub struct UpdateProduct(pub product::UpdateProduct);

/// Changes the price, and says why.
#[derive(Clone, Debug)]
pub struct ChangeProductPrice(pub product::ChangeProductPrice);

/// Ends the product, closes its stock, and takes it out of its category. Reservations do not hinder it.
#[derive(Clone, Debug)]
pub struct DeleteProduct(pub EntityId);

impl Command for CreateProduct {
    const NAME: &'static str = "create_product";
    type Rejection = DomainError;
    type Reply = ProductAnswer;

    fn streams(&self) -> Vec<Lane> {
        let id = self.product.id.as_str();
        let mut lanes = vec![Lane::create::<Product>(id), Lane::create::<Stock>(id)];
        if let Some(category) = &self.product.category_id {
            lanes.push(Lane::read::<Category>(category.as_str()));
        }
        lanes
    }

    fn decide(&self, work: &mut Deciding<'_>) -> Result<(), Rejected> {
        let command = &self.product;
        let id = command.id.as_str();
        let product = work.state::<Product>(id)?;
        let stock = work.state::<Stock>(id)?;
        let created = product.create(command)?;
        let opened = stock.open(&command.id, self.on_hand)?;
        if let Some(category) = &command.category_id {
            require_category(work, category)?;
        }
        work.append::<Product>(id, &created)?;
        work.append::<Stock>(id, &opened)?;
        if let Some(category) = &command.category_id {
            enter(work, category, &command.id);
        }
        Ok(())
    }

    fn reply(&self, states: &States) -> Option<ProductAnswer> {
        let stock = stock::answer(states, &self.product.id);
        answer(states, &self.product.id).map(|answer| ProductAnswer { stock, ..answer })
    }
}

impl Command for UpdateProduct {
    const NAME: &'static str = "update_product";
    type Rejection = DomainError;
    type Reply = ProductAnswer;

    fn streams(&self) -> Vec<Lane> {
        let mut lanes = vec![Lane::write::<Product>(self.0.id.as_str())];
        if let Patch::Set(category) = &self.0.category_id {
            lanes.push(Lane::read::<Category>(category.as_str()));
        }
        lanes
    }

    fn decide(&self, work: &mut Deciding<'_>) -> Result<(), Rejected> {
        let command = &self.0;
        let id = command.id.as_str();
        let product = work.state::<Product>(id)?;
        let updated = product.update(command)?;
        let moved = product.moved_category(command)?;
        if let Some(to) = moved.as_ref().and_then(|moved| moved.to.as_ref()) {
            require_category(work, to)?;
        }
        work.append::<Product>(id, &updated)?;
        if let Some(moved) = moved {
            if let Some(from) = &moved.from {
                leave(work, from, &command.id);
            }
            if let Some(to) = &moved.to {
                enter(work, to, &command.id);
            }
        }
        Ok(())
    }

    fn reply(&self, states: &States) -> Option<ProductAnswer> {
        answer(states, &self.0.id)
    }
}

impl Command for ChangeProductPrice {
    const NAME: &'static str = "change_product_price";
    type Rejection = DomainError;
    type Reply = ProductAnswer;

    fn streams(&self) -> Vec<Lane> {
        vec![Lane::write::<Product>(self.0.id.as_str())]
    }

    fn decide(&self, work: &mut Deciding<'_>) -> Result<(), Rejected> {
        let id = self.0.id.as_str();
        work.decide::<Product, _>(id, |product| product.change_price(&self.0))
    }

    fn reply(&self, states: &States) -> Option<ProductAnswer> {
        answer(states, &self.0.id)
    }
}

impl Command for DeleteProduct {
    const NAME: &'static str = "delete_product";
    type Rejection = DomainError;
    type Reply = ProductAnswer;

    fn streams(&self) -> Vec<Lane> {
        let id = self.0.as_str();
        vec![Lane::write::<Product>(id), Lane::write::<Stock>(id)]
    }

    fn decide(&self, work: &mut Deciding<'_>) -> Result<(), Rejected> {
        let id = self.0.as_str();
        let product = work.state::<Product>(id)?;
        let stock = work.state::<Stock>(id)?;
        let deleted = product.delete(&self.0)?;
        let closed = stock.close(&self.0)?;
        let left = product.existing(&self.0)?.category_id.as_ref();
        work.append::<Product>(id, &deleted)?;
        work.append::<Stock>(id, &closed)?;
        if let Some(category) = left {
            leave(work, category, &self.0);
        }
        Ok(())
    }

    fn reply(&self, states: &States) -> Option<ProductAnswer> {
        answer(states, &self.0)
    }
}

/// Refuses a category that does not exist. It stays as it is until the commit, so nobody deletes it meanwhile.
fn require_category(work: &mut Deciding<'_>, category: &EntityId) -> Result<(), Rejected> {
    work.state::<Category>(category.as_str())?
        .accept_product(category)
        .map_err(Rejected::from)
}

fn enter(work: &mut Deciding<'_>, category: &EntityId, product: &EntityId) {
    let added = [MembershipEvent::added(category, product)];
    work.append_any::<Membership>(category.as_str(), &added);
}

fn leave(work: &mut Deciding<'_>, category: &EntityId, product: &EntityId) {
    let removed = [MembershipEvent::removed(category, product)];
    work.append_any::<Membership>(category.as_str(), &removed);
}

fn answer(states: &States, id: &EntityId) -> Option<ProductAnswer> {
    let (product, version) = states.get::<Product>(id.as_str())?;
    Some(ProductAnswer {
        values: product.life().last()?.clone(),
        version: version.0,
        stock: None,
    })
}
