//! Categories: their own stream, the claim on their name, and what belongs to them.

use domain::DomainError;
use domain::category::{self, Category, CategoryValues};
use domain::category_membership::Membership;
use domain::category_name::NameClaim;
use domain::value::EntityId;
use event_sourcing::execute::{Command, Lane, States};

use super::{Deciding, Rejected};

/// A category as a command left it: behind a deletion, as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CategoryAnswer {
    /// Its values.
    pub values: CategoryValues,
    /// Counts its own stream.
    pub version: u64,
}

/// Claims the name and begins the category.
#[derive(Clone, Debug)]
pub struct CreateCategory(pub category::CreateCategory);

/// Changes the category; a name with another key moves the claim in the same commit.
#[derive(Clone, Debug)]
pub struct UpdateCategory(pub category::UpdateCategory);

/// Ends the category and frees its name, unless products belong to it.
#[derive(Clone, Debug)]
pub struct DeleteCategory(pub EntityId);

impl Command for CreateCategory {
    const NAME: &'static str = "create_category";
    type Rejection = DomainError;
    type Reply = CategoryAnswer;

    fn streams(&self) -> Vec<Lane> {
        // Most names were never used, so the claim's stream is assumed to be empty: the commit finds out.
        vec![
            Lane::create::<Category>(self.0.id.as_str()),
            Lane::create::<NameClaim>(&self.0.name.key().stream_id()),
        ]
    }

    fn decide(&self, work: &mut Deciding<'_>) -> Result<(), Rejected> {
        let command = &self.0;
        let (id, claim_id) = (command.id.as_str(), command.name.key().stream_id());
        work.decide::<Category, _>(id, |category| category.create(command))?;
        work.decide::<NameClaim, _>(&claim_id, |claim| claim.claim(&command.name, &command.id))
    }

    fn reply(&self, states: &States) -> Option<CategoryAnswer> {
        answer(states, &self.0.id)
    }
}

impl Command for UpdateCategory {
    const NAME: &'static str = "update_category";
    type Rejection = DomainError;
    type Reply = CategoryAnswer;

    fn streams(&self) -> Vec<Lane> {
        vec![Lane::write::<Category>(self.0.id.as_str())]
    }

    fn decide(&self, work: &mut Deciding<'_>) -> Result<(), Rejected> {
        let command = &self.0;
        let id = command.id.as_str();
        let category = work.state::<Category>(id)?;
        let updated = category.update(command)?;
        let moved = category.moved_key(command)?;
        work.append::<Category>(id, &updated)?;
        if let (Some((old, new)), Some(name)) = (moved, &command.name) {
            let (old_id, new_id) = (old.stream_id(), new.stream_id());
            let released = work.state::<NameClaim>(&old_id)?.release(old, &command.id);
            let claimed = work.state::<NameClaim>(&new_id)?.claim(name, &command.id)?;
            work.append::<NameClaim>(&old_id, &released)?;
            work.append::<NameClaim>(&new_id, &claimed)?;
        }
        Ok(())
    }

    fn reply(&self, states: &States) -> Option<CategoryAnswer> {
        answer(states, &self.0.id)
    }
}

impl Command for DeleteCategory {
    const NAME: &'static str = "delete_category";
    type Rejection = DomainError;
    type Reply = CategoryAnswer;

    fn streams(&self) -> Vec<Lane> {
        vec![Lane::write::<Category>(self.0.as_str())]
    }

    fn decide(&self, work: &mut Deciding<'_>) -> Result<(), Rejected> {
        let id = self.0.as_str();
        let category = work.state::<Category>(id)?;
        let deleted = category.delete(&self.0)?;
        let key = category.existing(&self.0)?.name.key();
        let claim_id = key.stream_id();
        let released = work.state::<NameClaim>(&claim_id)?.release(key, &self.0);
        // Products come and go without entering a lane, so only the store knows how many there are.
        work.fresh::<Membership>(id)?.require_empty(&self.0)?;
        work.append::<Category>(id, &deleted)?;
        work.append::<NameClaim>(&claim_id, &released)?;
        Ok(())
    }

    fn reply(&self, states: &States) -> Option<CategoryAnswer> {
        answer(states, &self.0)
    }
}

fn answer(states: &States, id: &EntityId) -> Option<CategoryAnswer> {
    let (category, version) = states.get::<Category>(id.as_str())?;
    Some(CategoryAnswer {
        values: category.life().last()?.clone(),
        version: version.0,
    })
}
