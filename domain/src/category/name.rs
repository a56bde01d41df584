//! Claims on category names. Each name key has its own stream, so that of two categories that claim the same name at the
//! same time the second one's commit is rejected with a version conflict.

use chrono::{DateTime, Utc};
use event_sourcing::{Aggregate, DomainEvent};
use serde::{Deserialize, Serialize};

use crate::command::{Decided, Deciding};
use crate::error::{Conflict, DomainError};
use crate::value::{CategoryName, EntityId, NameKey};

/// An event of a name key. Its stream's id is [`NameKey::stream_id`].
#[derive(Clone, Debug, PartialEq, Eq, DomainEvent)]
pub enum CategoryNameEvent {
    #[event(name = "CategoryNameClaimed")]
    Claimed(CategoryNameHeld),
    #[event(name = "CategoryNameReleased")]
    Released(CategoryNameHeld),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryNameHeld {
    pub name_key: NameKey,
    /// The category that claims or releases it.
    pub category_id: EntityId,
}

/// The holder of one name key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameClaim {
    holder: Option<EntityId>,
}

impl NameClaim {
    #[must_use]
    pub fn holder(&self) -> Option<&EntityId> {
        self.holder.as_ref()
    }

    /// Moves a category's claim from one name to another in the commit of a command, unless both have the same key.
    pub(super) fn move_to(
        work: &mut Deciding<'_>,
        category: &EntityId,
        from: Option<&CategoryName>,
        to: Option<&CategoryName>,
    ) -> Decided {
        let old = from.map(CategoryName::key);
        if old == to.map(CategoryName::key) {
            return Ok(());
        }
        if let Some(key) = old {
            work.decide::<Self, DomainError>(&key.stream_id(), |claim| {
                Ok(claim.release(key.clone(), category))
            })?;
        }
        if let Some(name) = to {
            let claim_id = name.key().stream_id();
            work.decide::<Self, _>(&claim_id, |claim| claim.claim(name, category))?;
        }
        Ok(())
    }

    /// Claims `name` for `category`. No events if it is the holder already.
    ///
    /// # Errors
    /// `NameTaken` if another category is the holder.
    pub fn claim(
        &self,
        name: &CategoryName,
        category: &EntityId,
    ) -> Result<Vec<CategoryNameEvent>, DomainError> {
        match &self.holder {
            None => Ok(vec![CategoryNameEvent::Claimed(CategoryNameHeld {
                name_key: name.key(),
                category_id: category.clone(),
            })]),
            Some(holder) if holder == category => Ok(Vec::new()),
            Some(_) => Err(DomainError::Conflict(Conflict::NameTaken {
                name: name.as_str().to_owned(),
            })),
        }
    }

    /// Releases `key`. No events if `category` is not the holder.
    #[must_use]
    pub fn release(&self, key: NameKey, category: &EntityId) -> Vec<CategoryNameEvent> {
        if self.holder.as_ref() != Some(category) {
            return Vec::new();
        }
        vec![CategoryNameEvent::Released(CategoryNameHeld {
            name_key: key,
            category_id: category.clone(),
        })]
    }
}

impl Aggregate for NameClaim {
    const TYPE: &'static str = "category_name";
    const SNAPSHOT_VERSION: u32 = 1;
    type Event = CategoryNameEvent;

    fn evolve(&mut self, event: &CategoryNameEvent, _at: DateTime<Utc>) {
        self.holder = match event {
            CategoryNameEvent::Claimed(data) => Some(data.category_id.clone()),
            CategoryNameEvent::Released(_) => None,
        };
    }
}
