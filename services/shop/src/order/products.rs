//! The items of an order, each a product's id or name and a quantity.

use domain::value::EntityId;
use serde::Deserialize;
use serde_json::{Number, Value, json};

use super::OrderError;
use super::model::{amount, decoded};
use crate::api::{Client, Operation};
use crate::terminal::line;

/// An item as given on the command line: a product's id or name, and a quantity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestedItem {
    product: String,
    quantity: i32,
}

/// The API's maximum number of search results.
const MAX_FOUND: usize = 500;

const BY_ID: Operation<'static> = Operation {
    name: "product",
    document: "query($text: ID!) { product(id: $text) { id } }",
};
const BY_NAME: Operation<'static> = Operation {
    name: "searchProducts",
    document: "query($text: String!) { products: searchProducts(searchTerm: $text) \
        { id name price stockQuantity } }",
};

#[derive(Deserialize)]
struct FoundById {
    product: Option<Product>,
}

#[derive(Deserialize)]
struct Product {
    id: String,
}

#[derive(Deserialize)]
struct FoundByName {
    products: Vec<NamedProduct>,
}

/// A search result. The search matches substrings, so its name need not equal the text.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NamedProduct {
    id: String,
    name: String,
    price: Number,
    stock_quantity: i64,
}

impl RequestedItem {
    /// Parses an item such as `Sencha=3`.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        const ACCEPTED: &str = "accepted: PRODUCT=QUANTITY, such as Sencha=3";
        let (product, quantity) = text.rsplit_once('=').ok_or(ACCEPTED)?;
        if product.trim().is_empty() {
            return Err(ACCEPTED);
        }
        Ok(Self {
            product: product.to_owned(),
            quantity: quantity.trim().parse().map_err(|_| ACCEPTED)?,
        })
    }

    /// The item as the API takes it. The text is looked up as an id first, then as a name.
    pub async fn resolve(&self, client: &mut Client) -> Result<Value, OrderError> {
        let text = &self.product;
        let mut id = None;
        if EntityId::parse("productId", text).is_ok() {
            id = by_id(client, text).await?;
        }
        let id = match id {
            Some(id) => id,
            None => by_name(client, text).await?,
        };
        Ok(json!({ "productId": id, "quantity": self.quantity }))
    }
}

async fn by_id(client: &mut Client, text: &str) -> Result<Option<String>, OrderError> {
    match client.query(BY_ID, json!({ "text": text })).await {
        Err(error) if error.is_not_found() => Ok(None),
        found => {
            let found: FoundById = decoded(found?, BY_ID.name)?;
            Ok(found.product.map(|product| product.id))
        }
    }
}

/// The only product of that name. Names are not unique; an ambiguous one is an error, because any choice could be wrong.
async fn by_name(client: &mut Client, text: &str) -> Result<String, OrderError> {
    let found = client.query(BY_NAME, json!({ "text": text })).await?;
    let FoundByName { products } = decoded(found, BY_NAME.name)?;
    only_of(text, products)
}

fn only_of(text: &str, found: Vec<NamedProduct>) -> Result<String, OrderError> {
    let name = text.trim();
    let is_truncated = found.len() >= MAX_FOUND;
    let mut named = found.into_iter().filter(|product| product.name == name);
    match (named.next(), named.next()) {
        _ if is_truncated => Err(OrderError::Ambiguous(format!(
            "the names of at least {MAX_FOUND} products contain {name:?}, so the product is ambiguous; give its id"
        ))),
        (None, _) => Err(OrderError::NoProduct(text.to_owned())),
        (Some(only), None) => Ok(only.id),
        (Some(first), Some(second)) => {
            let all: Vec<_> = [first, second].into_iter().chain(named).collect();
            let count = all.len();
            let listed: Vec<_> = all.iter().map(described).collect();
            let listed = listed.join(", ");
            Err(OrderError::Ambiguous(format!(
                "{count} products have the name {name:?}; give the id of one: {listed}"
            )))
        }
    }
}

fn described(product: &NamedProduct) -> String {
    let (id, price) = (line(&product.id), amount(&product.price));
    format!("{id} ({price}, {} in stock)", product.stock_quantity)
}

#[cfg(test)]
mod tests {
    use serde_json::Number;

    use super::{MAX_FOUND, NamedProduct, RequestedItem, only_of};

    fn product(id: &str, name: &str) -> NamedProduct {
        NamedProduct {
            id: id.to_owned(),
            name: name.to_owned(),
            price: Number::from(5),
            stock_quantity: 7,
        }
    }

    #[test]
    fn an_ambiguous_name_is_rejected() {
        let only = |found| only_of(" Tea", found).map_err(|error| error.to_string());
        let others = || vec![product("a", "tea"), product("b", "Tea 2")];
        let with = |ids: &[&str]| {
            let named = ids.iter().map(|id| product(id, "Tea"));
            only(others().into_iter().chain(named).collect())
        };
        assert_eq!(with(&["c"]).as_deref(), Ok("c"));
        assert_eq!(
            with(&[]),
            Err("no product has the id or the name \" Tea\"".to_owned())
        );
        let error = "2 products have the name \"Tea\"; give the id of one: \
                     c (5.00, 7 in stock), d (5.00, 7 in stock)";
        assert_eq!(with(&["c", "d"]), Err(error.to_owned()));
        let cut = (0..MAX_FOUND).map(|_| product("e", "Tea")).collect();
        assert!(only(cut).is_err_and(|error| error.contains("ambiguous")));
    }

    #[test]
    fn an_item_is_a_product_and_a_quantity() {
        let item = |product: &str, quantity| RequestedItem {
            product: product.to_owned(),
            quantity,
        };
        assert_eq!(RequestedItem::parse("Sencha=3"), Ok(item("Sencha", 3)));
        assert_eq!(
            RequestedItem::parse("E=mc² mug=1"),
            Ok(item("E=mc² mug", 1))
        );
        for bad in [
            "",
            "Sencha",
            "=3",
            " =3",
            "Sencha=",
            "Sencha=many",
            "Sencha=1.5",
        ] {
            assert!(RequestedItem::parse(bad).is_err(), "{bad}");
        }
    }
}
