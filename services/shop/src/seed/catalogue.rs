//! The sample catalogue: deterministic, and of any length.

use std::fmt;

/// A category of the sample.
#[derive(Clone, Copy, Debug)]
pub struct SampleCategory {
    pub name: &'static str,
    pub description: &'static str,
    things: [&'static str; 6],
    kinds: [&'static str; 6],
    /// The lowest price, in cents.
    base_cents: u64,
}

/// A product of the sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleProduct {
    pub name: String,
    pub description: String,
    pub price: Cents,
    pub stock: u32,
    /// Its index in [`CATEGORIES`].
    pub category: usize,
}

/// An amount in cents, displayed as a decimal number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cents(pub u64);

impl fmt::Display for Cents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

pub const CATEGORIES: [SampleCategory; 8] = [
    SampleCategory {
        name: "Tea",
        description: "Leaves, herbs and blends",
        things: ["Sencha", "Assam", "Oolong", "Rooibos", "Chai", "Genmaicha"],
        kinds: [
            "First Flush",
            "Organic",
            "Smoked",
            "Everyday",
            "Jasmine",
            "Reserve",
        ],
        base_cents: 450,
    },
    SampleCategory {
        name: "Coffee",
        description: "Beans, whole and ground",
        things: [
            "Espresso",
            "Filter Roast",
            "Arabica",
            "Robusta",
            "Mocha",
            "Decaf",
        ],
        kinds: [
            "Dark",
            "Light",
            "Washed",
            "Single Origin",
            "House",
            "Barrel-Aged",
        ],
        base_cents: 790,
    },
    SampleCategory {
        name: "Chocolate",
        description: "Bars, pralines and cocoa",
        things: [
            "Bar",
            "Praline Box",
            "Truffles",
            "Cocoa",
            "Nougat",
            "Spread",
        ],
        kinds: [
            "Bitter", "Hazelnut", "Sea Salt", "Almond", "Orange", "White",
        ],
        base_cents: 290,
    },
    SampleCategory {
        name: "Spices",
        description: "Whole, ground and mixed",
        things: [
            "Pepper", "Cinnamon", "Cardamom", "Cumin", "Saffron", "Paprika",
        ],
        kinds: ["Whole", "Ground", "Toasted", "Wild", "Island", "Mountain"],
        base_cents: 320,
    },
    SampleCategory {
        name: "Kitchen",
        description: "Tools that last",
        things: ["Teapot", "Grinder", "Kettle", "Pan", "Knife", "Scale"],
        kinds: [
            "Cast-Iron",
            "Steel",
            "Copper",
            "Enamel",
            "Compact",
            "Classic",
        ],
        base_cents: 1_990,
    },
    SampleCategory {
        name: "Ceramics",
        description: "Hand-thrown and glazed",
        things: ["Cup", "Bowl", "Plate", "Jar", "Jug", "Saucer"],
        kinds: ["Blue", "Ash-Glazed", "Speckled", "Raw", "Celadon", "Tall"],
        base_cents: 1_290,
    },
    SampleCategory {
        name: "Books",
        description: "To read over a cup of tea",
        things: [
            "Atlas",
            "Cookbook",
            "Notebook",
            "Field Guide",
            "Calendar",
            "Almanac",
        ],
        kinds: [
            "Illustrated",
            "Pocket",
            "Clothbound",
            "Annotated",
            "Small",
            "Grand",
        ],
        base_cents: 990,
    },
    SampleCategory {
        name: "Gifts",
        description: "Wrapped and ready",
        things: [
            "Hamper",
            "Tasting Set",
            "Voucher",
            "Candle",
            "Card Set",
            "Tin",
        ],
        kinds: [
            "Spring",
            "Summer",
            "Autumn",
            "Winter",
            "Birthday",
            "Thank-You",
        ],
        base_cents: 1_490,
    },
];

/// Product number `index`. It does not depend on the number of products, and its name is unique.
#[must_use]
pub fn product(index: u32) -> SampleProduct {
    let index = index as usize;
    let category_index = index % CATEGORIES.len();
    let category = &CATEGORIES[category_index];
    let within = index / CATEGORIES.len();
    let thing = category.things[within % category.things.len()];
    let round = within / category.things.len();
    let kind = category.kinds[round % category.kinds.len()];
    let edition = round / category.kinds.len() + 1;
    let name = if edition == 1 {
        format!("{kind} {thing}")
    } else {
        format!("{kind} {thing}, Edition {edition}")
    };
    let spread = scatter(index as u64);
    SampleProduct {
        description: format!("{name}, from our {} shelf.", category.name),
        name,
        price: Cents(category.base_cents + spread % 200 * 10),
        stock: u32::try_from(spread / 1_000 % 500).unwrap_or(0),
        category: category_index,
    }
}

/// A pseudo-random number that depends on the index alone.
fn scatter(index: u64) -> u64 {
    (index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 24
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use domain::value::{CategoryName, Description, NameKey, Price, ProductName, StockLevel};

    use super::{CATEGORIES, product};

    #[test]
    fn every_sample_passes_the_domain_validation() {
        for category in CATEGORIES {
            CategoryName::parse("name", category.name).unwrap();
            Description::parse("description", category.description).unwrap();
        }
        for sample in (0..5_000).map(product) {
            ProductName::parse("name", &sample.name).unwrap();
            Description::parse("description", &sample.description).unwrap();
            Price::parse("price", &sample.price.to_string()).unwrap();
            StockLevel::parse("stockQuantity", i64::from(sample.stock)).unwrap();
        }
    }

    #[test]
    fn names_are_unique_without_regard_to_case() {
        let categories: HashSet<_> = CATEGORIES.iter().map(|c| NameKey::of(c.name)).collect();
        assert_eq!(categories.len(), CATEGORIES.len());
        let products: HashSet<_> = (0..100_000)
            .map(|i| NameKey::of(&product(i).name))
            .collect();
        assert_eq!(products.len(), 100_000);
    }
}
