//! What one request has read, by batches.

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

/// What one request has read. A mutation makes it forget.
#[derive(Debug, Default)]
pub struct Loaders {
    pub(super) categories: Batch<Category>,
    pub(super) products: Batch<Product>,
    pub(super) products_of: Batch<Products>,
    pub(super) orders: Batch<Order>,
    pub(super) sagas_of: Batch<Saga>,
}

impl Loaders {
    /// Forgets everything, because something was changed.
    pub fn forget(&self) {
        self.categories.forget();
        self.products.forget();
        self.products_of.forget();
        self.orders.forget();
        self.sagas_of.forget();
    }
}
