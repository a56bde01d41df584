//! The commands on a category.

use std::sync::Arc;

use event_sourcing::Version;
use event_sourcing::execute::{Command, Lane, States};

use super::event::{CategoryCreated, CategoryDeleted, CategoryEvent, CategoryUpdated};
use super::{Category, Membership, NameClaim};
use crate::command::{Decided, Deciding, reply};
use crate::error::DomainError;
use crate::value::{CategoryName, Description, EntityId, Patch};

/// Claims the name and creates the category.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateCategory {
    /// Its id, never used before.
    pub id: EntityId,
    pub name: CategoryName,
    pub description: Option<Description>,
}

/// Changes the category; a name with another key moves the claim in the same commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateCategory {
    pub id: EntityId,
    /// None leaves the name.
    pub name: Option<CategoryName>,
    pub description: Patch<Description>,
    /// The version that the client expects, if any.
    pub expected_version: Option<Version>,
}

/// Deletes the category and frees its name, unless products belong to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteCategory {
    pub id: EntityId,
}

impl Command for CreateCategory {
    const NAME: &'static str = "create_category";
    type Rejection = DomainError;
    type Reply = Arc<Category>;

    fn streams(&self) -> Vec<Lane> {
        // Most names were never used, so the claim's stream is assumed to be empty; if it is not, the commit is rejected
        // and decided again.
        let claim_id = self.name.key().stream_id();
        vec![
            Lane::create::<Category>(self.id.as_str()),
            Lane::create::<NameClaim>(&claim_id),
        ]
    }

    fn decide(&self, work: &mut Deciding<'_>) -> Decided {
        let created = CategoryEvent::Created(CategoryCreated {
            category_id: self.id.clone(),
            name: self.name.clone(),
            description: self.description.clone(),
        });
        work.state::<Category>(self.id.as_str())?
            .require_new(&self.id)?;
        work.append::<Category>(self.id.as_str(), &[created])?;
        NameClaim::move_to(work, &self.id, None, Some(&self.name))
    }

    fn reply(&self, states: &States) -> Option<Arc<Category>> {
        reply(states, &self.id)
    }
}

impl Command for UpdateCategory {
    const NAME: &'static str = "update_category";
    type Rejection = DomainError;
    type Reply = Arc<Category>;

    fn streams(&self) -> Vec<Lane> {
        vec![Lane::write::<Category>(self.id.as_str())]
    }

    fn decide(&self, work: &mut Deciding<'_>) -> Decided {
        let category = work.state::<Category>(self.id.as_str())?;
        let old = category.existing_at(&self.id, self.expected_version)?;
        let name = self.name.as_ref().unwrap_or(&old.name);
        let description = self.description.apply(old.description.as_ref());
        if *name == old.name && description == old.description {
            return Ok(());
        }
        let updated = CategoryEvent::Updated(CategoryUpdated {
            category_id: self.id.clone(),
            name: name.clone(),
            description,
        });
        work.append::<Category>(self.id.as_str(), &[updated])?;
        NameClaim::move_to(work, &self.id, Some(&old.name), Some(name))
    }

    fn reply(&self, states: &States) -> Option<Arc<Category>> {
        reply(states, &self.id)
    }
}

impl Command for DeleteCategory {
    const NAME: &'static str = "delete_category";
    type Rejection = DomainError;
    type Reply = Arc<Category>;

    fn streams(&self) -> Vec<Lane> {
        vec![Lane::write::<Category>(self.id.as_str())]
    }

    fn decide(&self, work: &mut Deciding<'_>) -> Decided {
        let category = work.state::<Category>(self.id.as_str())?;
        let old = category.existing(&self.id)?;
        let deleted = CategoryEvent::Deleted(CategoryDeleted {
            category_id: self.id.clone(),
        });
        work.append::<Category>(self.id.as_str(), &[deleted])?;
        NameClaim::move_to(work, &self.id, Some(&old.name), None)?;
        // Memberships are appended without a lane, so only the store has their latest state.
        let membership = work.fresh::<Membership>(self.id.as_str())?;
        Ok(membership.require_empty(&self.id)?)
    }

    fn reply(&self, states: &States) -> Option<Arc<Category>> {
        reply(states, &self.id)
    }
}
