//! The commands, each over all the streams that it decides on.
//!
//! The rules are the domain's, stream by stream. A command reads the streams, asks each of them, and appends what
//! they say, in the order in which the log shall have it. Every stream that was read becomes a precondition of the
//! commit, except memberships, which are written without a requirement.

mod category;
mod order;
mod product;
mod projection;
mod stock;

use domain::DomainError;
use event_sourcing::execute::{DecideError, UnitOfWork};

pub use category::{CategoryAnswer, CreateCategory, DeleteCategory, UpdateCategory};
pub use order::{CancelOrder, DeliverOrder, OrderAnswer, PlaceOrder, ShipOrder};
pub use product::{ChangeProductPrice, CreateProduct, DeleteProduct, ProductAnswer, UpdateProduct};
pub use projection::{DecideOnProjection, ProjectionDecision};
pub use stock::{StockAnswer, UpdateStock};

/// A decision in progress.
type Deciding<'w> = UnitOfWork<'w, DomainError>;
/// How a decision ends early.
type Rejected = DecideError<DomainError>;
