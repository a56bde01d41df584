//! Products. How much there is of a product is in its stock ([`crate::stock`]); which category it belongs to is also
//! recorded in that category's membership ([`crate::category::Membership`]).

mod commands;
mod event;
mod state;

pub use commands::{ChangeProductPrice, CreateProduct, DeleteProduct, UpdateProduct};
pub use event::{
    ProductCreated, ProductDeleted, ProductEvent, ProductPriceChanged, ProductUpdated,
};
pub use state::{Product, ProductValues};
