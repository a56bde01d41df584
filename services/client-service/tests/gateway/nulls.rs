//! Null and omission, of every argument and input field that may be null, as docs/api-specification.md states it.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::event_streams::Events;
use super::test_gateway::{TestGateway, text};

const INTROSPECTION: &str = include_str!("introspection.graphql");

/// What null does in a field of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Null {
    /// The same as omission.
    Omits,
    /// It removes the value; omission leaves it as it is.
    Removes,
    /// `VALIDATION_ERROR`; omission is accepted.
    Rejected,
}

/// The fields of inputs that may be null.
const INPUT_FIELDS: [(&str, &str, Null); 13] = [
    ("CreateCategoryInput", "description", Null::Omits),
    ("CreateProductInput", "description", Null::Omits),
    ("CreateProductInput", "categoryId", Null::Omits),
    ("CreateProductInput", "stockQuantity", Null::Rejected),
    ("CreateOrderInput", "shippingAddress", Null::Rejected),
    ("CancelOrderInput", "reason", Null::Rejected),
    ("UpdateCategoryInput", "description", Null::Removes),
    ("UpdateCategoryInput", "expectedVersion", Null::Rejected),
    ("UpdateProductInput", "description", Null::Removes),
    ("UpdateProductInput", "categoryId", Null::Removes),
    ("UpdateProductInput", "name", Null::Rejected),
    ("UpdateProductInput", "price", Null::Rejected),
    ("UpdateProductInput", "expectedVersion", Null::Rejected),
];

/// An argument that may be null.
#[derive(Debug)]
struct Argument {
    /// The type that has the field.
    of: String,
    field: String,
    name: String,
    ty: String,
    /// Whether the field returns a connection.
    is_connection: bool,
}

/// Objects to read and to change.
struct Objects {
    category: String,
    product: String,
}

impl Objects {
    async fn create(gateway: &TestGateway) -> Result<Self> {
        let category = gateway.category("Tea").await?;
        gateway.category("Pots").await?;
        let product = gateway.product("Green tea", Some(&category)).await?;
        gateway.product("Pot", None).await?;
        let ids = json!({ "c": category, "p": product });
        let update = "mutation($c: ID!, $p: ID!) {
            updateCategory(input: { id: $c, name: \"Teas\", description: \"d\" }) { id }
            updateProduct(input: { id: $p, name: \"Greens\", description: \"d\" }) { id }
            createOrder(input: { userId: \"ann\", items: [{ productId: $p, quantity: 1 }] }) { id } }";
        gateway.data(update, ids).await?;
        Ok(Self { category, product })
    }

    /// The arguments that the field requires next to this one.
    fn required(&self, argument: &Argument) -> String {
        let Self { category, product } = self;
        match argument.field.as_str() {
            "categoriesPaginated" | "productsPaginated" => "page: 1, perPage: 5".to_owned(),
            "searchCategories" | "searchProducts" => "searchTerm: \"e\"".to_owned(),
            "productsByCategory" => format!("categoryId: \"{category}\""),
            "productsByPriceRange" => "minPrice: 0, maxPrice: 99".to_owned(),
            "userOrders" => "userId: \"ann\"".to_owned(),
            "changeProductPrice" => format!("id: \"{product}\", newPrice: 2"),
            "orderUpdated" => "orderId: \"1\"".to_owned(),
            "stockUpdated" => format!("productIds: [\"{product}\"]"),
            _ if argument.is_connection && argument.name == "first" => "last: 5".to_owned(),
            _ if argument.is_connection => "first: 5".to_owned(),
            _ => String::new(),
        }
    }

    /// A query that calls the field three times: without the argument, with null, and with a variable that is null.
    fn calls(&self, argument: &Argument) -> String {
        let Argument {
            of,
            field,
            name,
            ty,
            ..
        } = argument;
        let required = self.required(argument);
        let selection = if argument.is_connection {
            "{ edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage } }"
        } else {
            "{ id }"
        };
        let call = |alias: &str, more: &str| {
            let arguments = format!("{required} {more}");
            let arguments = match arguments.trim() {
                "" => String::new(),
                some => format!("({some})"),
            };
            format!("{alias}: {field}{arguments} {selection}")
        };
        let calls = [
            call("omitted", ""),
            call("null", &format!("{name}: null")),
            call("variable", &format!("{name}: $null")),
        ];
        let calls = calls.join(" ");
        let Self { category, .. } = self;
        match of.as_str() {
            "Query" => format!("query($null: {ty}) {{ {calls} }}"),
            "Mutation" => format!("mutation($null: {ty}) {{ {calls} }}"),
            _ => format!("query($null: {ty}) {{ category(id: \"{category}\") {{ {calls} }} }}"),
        }
    }

    /// A mutation with an input, and the input that it requires.
    fn input(&self, of: &str) -> Result<(&'static str, Value)> {
        let Self { category, product } = self;
        Ok(match of {
            "CreateCategoryInput" => ("createCategory(input: $input) { description }", json!({})),
            "UpdateCategoryInput" => (
                "updateCategory(input: $input) { description }",
                json!({ "id": category, "name": "Teas" }),
            ),
            "CreateProductInput" => (
                "createProduct(input: $input) { description categoryId }",
                json!({ "name": "New", "price": 1 }),
            ),
            "UpdateProductInput" => (
                "updateProduct(input: $input) { description categoryId }",
                json!({ "id": product }),
            ),
            "CreateOrderInput" => (
                "createOrder(input: $input) { userId }",
                json!({ "userId": "ann", "items": [{ "productId": product, "quantity": 1 }] }),
            ),
            "CancelOrderInput" => ("cancelOrder(input: $input)", json!({})),
            other => anyhow::bail!("no mutation has {other}"),
        })
    }
}

/// The types of the schema, by introspection.
async fn types(gateway: &TestGateway) -> Result<Vec<Value>> {
    let schema = gateway.data(INTROSPECTION, json!({})).await?;
    let types = schema["__schema"]["types"].as_array().context("types")?;
    let is_ours = |of: &&Value| {
        !of["name"]
            .as_str()
            .is_some_and(|name| name.starts_with("__"))
    };
    Ok(types.iter().filter(is_ours).cloned().collect())
}

fn items<'a>(of: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    of[key].as_array().into_iter().flatten()
}

fn is_nullable(value: &Value) -> bool {
    value["type"]["kind"] != "NON_NULL"
}

fn arguments(types: &[Value]) -> Result<Vec<Argument>> {
    let mut found = Vec::new();
    for of in types {
        for field in items(of, "fields") {
            let returned = field["type"]["ofType"]["name"].as_str().unwrap_or_default();
            for argument in items(field, "args").filter(|value| is_nullable(value)) {
                found.push(Argument {
                    of: text(&of["name"])?,
                    field: text(&field["name"])?,
                    name: text(&argument["name"])?,
                    ty: text(&argument["type"]["name"])?,
                    is_connection: returned.ends_with("Connection"),
                });
            }
        }
    }
    Ok(found)
}

#[tokio::test]
async fn a_null_argument_is_the_same_as_none() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let objects = Objects::create(&gateway).await?;
    let found = arguments(&types(&gateway).await?)?;
    ensure!(found.len() >= 50, "{found:?}");
    for argument in found {
        if argument.of == "Subscription" {
            subscribes(&gateway, &objects, &argument).await?;
            continue;
        }
        let query = objects.calls(&argument);
        let data = gateway.data(&query, json!({ "null": null })).await?;
        let calls = if data["category"].is_null() {
            &data
        } else {
            &data["category"]
        };
        let omitted = &calls["omitted"];
        ensure!(
            *omitted != json!([]) && omitted["edges"] != json!([]),
            "{query}: {data}"
        );
        ensure!(calls["null"] == *omitted, "{query}: {data}");
        ensure!(calls["variable"] == *omitted, "{query}: {data}");
    }
    Ok(())
}

/// A subscription with null is accepted, and has the same first message as one without the argument.
async fn subscribes(gateway: &TestGateway, objects: &Objects, argument: &Argument) -> Result<()> {
    let Argument { field, name, .. } = argument;
    let selection = match field.as_str() {
        "categoryDeleted" | "productDeleted" => "",
        "stockUpdated" => "{ newQuantity }",
        _ => "{ name: id }",
    };
    let start = if name == "after" { "" } else { "after: \"0\"" };
    let mut first = Vec::new();
    for given in ["", &format!("{name}: null")] {
        let all = format!("{} {start} {given}", objects.required(argument));
        let all = match all.trim() {
            "" => String::new(),
            some => format!("({some})"),
        };
        let query = format!("subscription {{ {field}{all} {selection} }}");
        let mut events = Events::request(gateway, "", &json!({ "query": query })).await?;
        if name != "after" {
            first.push(events.next().await?.json()?["data"].take());
        }
    }
    ensure!(
        first.windows(2).all(|both| both[0] == both[1]),
        "{field}: {first:?}"
    );
    Ok(())
}

#[tokio::test]
async fn null_in_an_input_omits_removes_or_is_rejected() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let mut found = BTreeSet::new();
    for of in &types(&gateway).await? {
        for field in items(of, "inputFields").filter(|value| is_nullable(value)) {
            found.insert((text(&of["name"])?, text(&field["name"])?));
        }
    }
    let listed = INPUT_FIELDS.map(|(of, field, _)| (of.to_owned(), field.to_owned()));
    assert_eq!(found, BTreeSet::from(listed));
    let objects = Objects::create(&gateway).await?;
    for (number, (of, field, null)) in INPUT_FIELDS.into_iter().enumerate() {
        let (mutation, mut input) = objects.input(of)?;
        if of == "CreateCategoryInput" {
            input["name"] = json!(format!("C{number}"));
        } else if of == "CancelOrderInput" {
            let order = "mutation($p: ID!) { createOrder(input: { userId: \"bob\", items: [{ productId: $p, quantity: 1 }] }) { id } }";
            let made = gateway.data(order, json!({ "p": objects.product })).await?;
            input["orderId"] = made["createOrder"]["id"].clone();
        }
        let query = format!("mutation($input: {of}!) {{ result: {mutation} }}");
        let mut with_null = input.clone();
        with_null[field] = Value::Null;
        if null == Null::Rejected {
            let error = gateway.error(&query, json!({ "input": with_null })).await?;
            ensure!(error["code"] == "VALIDATION_ERROR", "{of}.{field}: {error}");
            ensure!(error["field"] == field, "{of}.{field}: {error}");
            gateway.data(&query, json!({ "input": input })).await?;
            continue;
        }
        let omitted = gateway.data(&query, json!({ "input": input })).await?["result"].take();
        if of == "CreateCategoryInput" {
            with_null["name"] = json!(format!("D{number}"));
        }
        let result = gateway.data(&query, json!({ "input": with_null })).await?["result"].take();
        ensure!(result[field].is_null(), "{of}.{field}: {result}");
        let was_there = !omitted[field].is_null();
        ensure!(
            was_there == (null == Null::Removes),
            "{of}.{field}: {omitted}"
        );
    }
    Ok(())
}
