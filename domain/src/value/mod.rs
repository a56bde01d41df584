//! Values that are parsed at the edge and are valid from then on.
//!
//! Input goes through `parse`, which takes the name of the field for its error. Deserialization is for stored events: it
//! does not validate, because a stored event must stay readable when a rule changes.

mod address;
mod id;
mod money;
mod name;
mod order_status;
mod patch;
mod quantity;
mod reference;
mod text;

pub use address::ShippingAddress;
pub use id::{EntityId, UserId};
pub use money::{Money, Price};
pub use name::{CategoryName, NameKey, ProductName, SearchTerm};
pub use order_status::OrderStatus;
pub use patch::Patch;
pub use quantity::{Quantity, StockLevel, parse_expected_version};
pub use reference::{Reference, TrackingNumber};
pub(crate) use text::invalid;
pub use text::{Description, Reason};
