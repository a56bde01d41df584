//! The data loaders of one request.

use contract::query::{Category, Order, Product, Saga};

use super::batch::Batch;

/// The products of one category.
#[derive(Debug)]
pub struct Products {
    /// In the order of the read side.
    pub rows: Vec<Product>,
    /// Whether there are more.
    pub truncated: bool,
}

/// The rows that one request has read. They are cleared after each command, so that later reads see its effect.
#[derive(Debug, Default)]
pub struct Loaders {
    pub(super) categories: Batch<Category>,
    pub(super) products: Batch<Product>,
    pub(super) products_of: Batch<Products>,
    pub(super) orders: Batch<Order>,
    pub(super) sagas_of: Batch<Saga>,
}

impl Loaders {
    /// Clears all loaders.
    pub fn forget(&self) {
        self.categories.forget();
        self.products.forget();
        self.products_of.forget();
        self.orders.forget();
        self.sagas_of.forget();
    }
}
