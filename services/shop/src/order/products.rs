//! Which products are ordered: by id, or by name.

use domain::value::EntityId;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Failed;
use super::model::decoded;
use crate::api::{Client, Operation};

/// Something wished for: a product's id or name, and how many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    product: String,
    quantity: i32,
}

const BY_ID: Operation<'static> = Operation {
    name: "product",
    document: "query($text: ID!) { product(id: $text) { id } }",
};
const BY_NAME: Operation<'static> = Operation {
    name: "productByName",
    document: "query($text: String!) { product: productByName(name: $text) { id } }",
};

#[derive(Deserialize)]
struct Found {
    product: Option<Product>,
}

#[derive(Deserialize)]
struct Product {
    id: String,
}

impl Wish {
    /// Reads one such as `Sencha=3`.
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

    /// As the API takes it. An id is looked at before a name.
    pub async fn resolve(&self, client: &mut Client) -> Result<Value, Failed> {
        let text = &self.product;
        let mut found = None;
        if EntityId::parse("productId", text).is_ok() {
            found = look_up(client, BY_ID, text).await?;
        }
        if found.is_none() {
            found = look_up(client, BY_NAME, text).await?;
        }
        let product = found.ok_or_else(|| Failed::NoProduct(text.clone()))?;
        Ok(json!({ "productId": product.id, "quantity": self.quantity }))
    }
}

async fn look_up(
    client: &mut Client,
    operation: Operation<'static>,
    text: &str,
) -> Result<Option<Product>, Failed> {
    match client.query(operation, json!({ "text": text })).await {
        Err(error) if error.is_not_found() => Ok(None),
        found => Ok(decoded::<Found>(found?, operation.name)?.product),
    }
}

#[cfg(test)]
mod tests {
    use super::Wish;

    #[test]
    fn a_wish_is_a_product_and_how_many() {
        let wish = |product: &str, quantity| Wish {
            product: product.to_owned(),
            quantity,
        };
        assert_eq!(Wish::parse("Sencha=3"), Ok(wish("Sencha", 3)));
        assert_eq!(Wish::parse("E=mc² mug=1"), Ok(wish("E=mc² mug", 1)));
        for bad in [
            "",
            "Sencha",
            "=3",
            " =3",
            "Sencha=",
            "Sencha=many",
            "Sencha=1.5",
        ] {
            assert!(Wish::parse(bad).is_err(), "{bad}");
        }
    }
}
