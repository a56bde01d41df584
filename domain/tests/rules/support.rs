//! Short ways to make valid values.

use std::fs;
use std::path::Path;

use domain::value::{
    CategoryName, Description, EntityId, Price, ProductName, Quantity, Reason, Reference,
    ShippingAddress, StockLevel, TrackingNumber, UserId,
};

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

pub fn quantity(count: i64) -> Quantity {
    Quantity::parse("quantity", count).expect("a valid quantity")
}

pub fn user(text: &str) -> UserId {
    UserId::parse("userId", text).expect("a valid user id")
}

pub fn reference(text: &str) -> Reference {
    Reference::parse("key", text).expect("a valid reference")
}

pub fn tracking(text: &str) -> TrackingNumber {
    TrackingNumber::parse("trackingNumber", text).expect("a valid tracking number")
}

pub fn address() -> ShippingAddress {
    ShippingAddress::parse("shippingAddress", "Ring 1", "Uji", "611-0021").expect("a valid address")
}

/// All sources of the domain, as one text.
pub fn sources() -> String {
    let mut text = String::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    read_below(&folder, &mut text);
    text
}

/// The values of the constants with this name and a text as value.
pub fn constants<'a>(sources: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let start = format!("const {name}: &'static str = \"");
    let values = sources.lines().filter_map(move |line| {
        let value = line.trim().strip_prefix(start.as_str())?;
        value.split_once('"')
    });
    values.map(|(value, _)| value)
}

fn read_below(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            read_below(&path, text);
        } else {
            text.push_str(&fs::read_to_string(&path).expect("a source"));
        }
    }
}
