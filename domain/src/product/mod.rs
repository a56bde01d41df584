//! Products. What there is of a product is its stock's to say ([`crate::stock`]); which category it belongs to is
//! also told to that category's membership ([`crate::category_membership`]).

mod decide;
mod event;

pub use decide::{ChangeProductPrice, CreateProduct, Move, Product, ProductValues, UpdateProduct};
pub use event::{
    ProductCreated, ProductDeleted, ProductEvent, ProductPriceChanged, ProductUpdated,
};
