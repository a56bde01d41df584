//! Short ways to make valid values.

use domain::value::{CategoryName, Description, EntityId, Price, ProductName, Reason, StockLevel};

pub fn id(text: &str) -> EntityId {
    EntityId::parse("id", text).expect("a valid id")
}

pub fn category_name(text: &str) -> CategoryName {
    CategoryName::parse("name", text).expect("a valid name")
}

pub fn product_name(text: &str) -> ProductName {
    ProductName::parse("name", text).expect("a valid name")
}

pub fn description(text: &str) -> Description {
    Description::parse("description", text).expect("a valid description")
}

pub fn reason(text: &str) -> Reason {
    Reason::parse("reason", text).expect("a valid reason")
}

pub fn price(text: &str) -> Price {
    Price::parse("price", text).expect("a valid price")
}

pub fn level(count: i64) -> StockLevel {
    StockLevel::parse("quantity", count).expect("a valid level")
}
