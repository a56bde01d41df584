//! Products. What there is of a product is its stock's to say ([`crate::stock`]); which category it belongs to is
//! also told to that category's membership ([`crate::category::Membership`]).

mod commands;
mod event;
mod state;

pub use commands::{ChangeProductPrice, CreateProduct, DeleteProduct, UpdateProduct};
pub use event::{
    ProductCreated, ProductDeleted, ProductEvent, ProductPriceChanged, ProductUpdated,
};
pub use state::{Product, ProductValues};
