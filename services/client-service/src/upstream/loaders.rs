//! The data loaders of one request.

use std::collections::HashMap;
use std::sync::Arc;

use contract::query::{Category, Order, Product, Saga};
use parking_lot::Mutex;

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
    /// By the number of products of each category.
    products_of: Mutex<HashMap<i32, Arc<Batch<Products>>>>,
    pub(super) orders: Batch<Order>,
    pub(super) sagas_of: Batch<Saga>,
}

impl Loaders {
    /// Loads at most `limit` products of a category; 0 is the read side's maximum.
    pub(super) fn products_of(&self, limit: i32) -> Arc<Batch<Products>> {
        Arc::clone(self.products_of.lock().entry(limit).or_default())
    }

    pub fn forget(&self) {
        self.categories.forget();
        self.products.forget();
        self.products_of.lock().clear();
        self.orders.forget();
        self.sagas_of.forget();
    }
}
