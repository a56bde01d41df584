//! Categories. A category's name is also a claim, with a stream for each name key ([`NameClaim`]), and its products are
//! counted in a separate stream ([`Membership`]).

mod commands;
mod event;
mod membership;
mod name;
mod state;

pub use commands::{CreateCategory, DeleteCategory, UpdateCategory};
pub use event::{CategoryCreated, CategoryDeleted, CategoryEvent, CategoryUpdated};
pub use membership::{CategoryProduct, Membership, MembershipEvent};
pub use name::{CategoryNameEvent, CategoryNameHeld, NameClaim};
pub use state::{Category, CategoryValues};
