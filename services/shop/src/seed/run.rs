//! The run: reads what exists, creates what is missing, and waits until it can be read.

use std::collections::HashSet;

use domain::value::NameKey;
use futures::future::try_join_all;
use indicatif::ProgressBar;
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::catalogue::{CATEGORIES, SampleProduct, product};
use crate::api::{Client, Operation, RequestError};
use crate::location::ServiceAddress;
use crate::terminal::bar;

/// Concurrent writers, each with a connection of its own.
const WRITERS: u32 = 16;
/// Products created by one request: fewer idempotency keys to store, and far below the API's limit of aliases.
const BATCH: usize = 20;
/// The API's maximum page size.
const MAX_PAGE_SIZE: usize = 500;
const CREATE_PRODUCT: &str = "createProduct";

const SEARCH_CATEGORIES: Operation<'static> = Operation {
    name: "searchCategories",
    document: "query($term: String!) { searchCategories(searchTerm: $term) { id name } }",
};
const CREATE_CATEGORY: Operation<'static> = Operation {
    name: "createCategory",
    document: "mutation($input: CreateCategoryInput!) { createCategory(input: $input) { id } }",
};
const PRODUCT_PAGE: Operation<'static> = Operation {
    name: "productsPaginated",
    document: "query($page: Int!, $perPage: Int!) {
        productsPaginated(page: $page, perPage: $perPage) { name }
    }",
};
const COUNT: Operation<'static> = Operation {
    name: "productStatistics",
    document: "query { productStatistics { totalCount } categoryStatistics { totalCount } }",
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeedResult {
    /// Categories that were missing, and were created.
    pub categories: u32,
    /// Products that were missing, and were created.
    pub products: u32,
}

impl SeedResult {
    /// A sentence about a run for `wanted` products.
    #[must_use]
    pub fn describe(self, wanted: u32, seconds: f64) -> String {
        if self.categories == 0 && self.products == 0 {
            return format!(
                "Nothing to do: all {} categories and {wanted} products are there.",
                CATEGORIES.len()
            );
        }
        let per_second = f64::from(self.products) / seconds.max(0.001);
        format!(
            "Created {} categories and {} products in {seconds:.1} s ({per_second:.0} products a second).",
            self.categories, self.products
        )
    }
}

/// Creates the missing ones of the sample categories and the first `products` sample products. `run_id` is part of the
/// idempotency keys.
///
/// # Errors
/// A request failed. What was created stays; the next run continues from there.
pub async fn run(
    gateway: ServiceAddress,
    products: u32,
    run_id: Uuid,
) -> Result<SeedResult, RequestError> {
    let mut client = Client::try_new(&gateway)?;
    let (category_ids, new_categories) = categories(&mut client, run_id).await?;
    let present = present_products(&mut client).await?;
    let missing: Vec<(u32, SampleProduct)> = (0..products)
        .map(|index| (index, product(index)))
        .filter(|(_, sample)| !present.contains(&sample.name))
        .collect();
    let outcome = SeedResult {
        categories: new_categories,
        products: u32::try_from(missing.len()).unwrap_or(products),
    };
    if !missing.is_empty() {
        let writing = WriterState {
            gateway,
            run_id,
            category_ids,
            bar: bar("products", missing.len() as u64),
            missing: Mutex::new(missing.into_iter()),
        };
        let writers = (0..WRITERS).map(|_| writing.write());
        for position in try_join_all(writers).await? {
            client.raise_position(position);
        }
        writing.bar.finish_and_clear();
    }
    // Waits until both tables have reached the position of the last write, so that reads after this command see
    // everything. Both are queried, because each table has a projection of its own.
    client.query(COUNT, json!({})).await?;
    Ok(outcome)
}

/// The ids of all sample categories, in order, and how many of them were created.
async fn categories(client: &mut Client, run_id: Uuid) -> Result<(Vec<String>, u32), RequestError> {
    let mut ids = Vec::with_capacity(CATEGORIES.len());
    let mut made = 0;
    for sample in CATEGORIES {
        let found = client
            .query(SEARCH_CATEGORIES, json!({ "term": sample.name }))
            .await?;
        let same_name = |row: &&Value| {
            let key = row["name"].as_str().map(NameKey::of);
            key == Some(NameKey::of(sample.name))
        };
        let rows = found["searchCategories"].as_array();
        let id = if let Some(row) = rows.and_then(|rows| rows.iter().find(same_name)) {
            id_of(row, SEARCH_CATEGORIES)?
        } else {
            made += 1;
            let input = json!({ "name": sample.name, "description": sample.description });
            let key = format!("seed-{run_id}-category-{}", sample.name);
            let variables = json!({ "input": input });
            let reply = client.mutate(CREATE_CATEGORY, variables, &key).await?;
            id_of(&reply["createCategory"], CREATE_CATEGORY)?
        };
        ids.push(id);
    }
    Ok((ids, made))
}

/// The names of all products.
async fn present_products(client: &mut Client) -> Result<HashSet<String>, RequestError> {
    let mut names = HashSet::new();
    for page in 1.. {
        let variables = json!({ "page": page, "perPage": MAX_PAGE_SIZE });
        let reply = client.query(PRODUCT_PAGE, variables).await?;
        let Some(rows) = reply["productsPaginated"].as_array() else {
            return Err(RequestError::Shape(PRODUCT_PAGE.name));
        };
        names.extend(
            rows.iter()
                .filter_map(|row| row["name"].as_str().map(str::to_owned)),
        );
        if rows.len() < MAX_PAGE_SIZE {
            break;
        }
    }
    Ok(names)
}

/// State shared by the writers.
struct WriterState {
    gateway: ServiceAddress,
    run_id: Uuid,
    category_ids: Vec<String>,
    bar: ProgressBar,
    missing: Mutex<std::vec::IntoIter<(u32, SampleProduct)>>,
}

impl WriterState {
    /// Creates batches until none is missing. Returns the log position of the last write.
    async fn write(&self) -> Result<u64, RequestError> {
        let mut client = Client::try_new(&self.gateway)?;
        loop {
            let batch = self.take();
            let Some((first, _)) = batch.first() else {
                return Ok(client.position());
            };
            let key = format!("seed-{}-products-{first}", self.run_id);
            let operation = Operation {
                name: CREATE_PRODUCT,
                document: &create_products(batch.len()),
            };
            let variables = self.variables(&batch);
            client.mutate(operation, variables, &key).await?;
            self.bar.inc(batch.len() as u64);
        }
    }

    fn take(&self) -> Vec<(u32, SampleProduct)> {
        let mut missing = self.missing.lock();
        missing.by_ref().take(BATCH).collect()
    }

    fn variables(&self, batch: &[(u32, SampleProduct)]) -> Value {
        let input = |sample: &SampleProduct| {
            json!({
                "name": sample.name,
                "description": sample.description,
                // A string, so that no JSON parser on the way turns the price into a float.
                "price": sample.price.to_string(),
                "categoryId": self.category_ids[sample.category],
                "stockQuantity": sample.stock,
            })
        };
        let named =
            |(at, (_, sample)): (usize, &(u32, SampleProduct))| (format!("p{at}"), input(sample));
        batch
            .iter()
            .enumerate()
            .map(named)
            .collect::<Map<_, _>>()
            .into()
    }
}

/// A mutation that creates `count` products, whose inputs are the variables `p0`, `p1`, …
fn create_products(count: usize) -> String {
    let each = |text: fn(usize) -> String| (0..count).map(text).collect::<Vec<_>>().join(" ");
    let variables = each(|at| format!("$p{at}: CreateProductInput!"));
    let fields = each(|at| format!("p{at}: {CREATE_PRODUCT}(input: $p{at}) {{ id }}"));
    format!("mutation({variables}) {{ {fields} }}")
}

fn id_of(row: &Value, operation: Operation<'_>) -> Result<String, RequestError> {
    let id = row["id"].as_str().map(str::to_owned);
    id.ok_or(RequestError::Shape(operation.name))
}

#[cfg(test)]
mod tests {
    #[test]
    fn one_document_creates_many_products() {
        assert_eq!(
            super::create_products(2),
            "mutation($p0: CreateProductInput! $p1: CreateProductInput!) \
             { p0: createProduct(input: $p0) { id } p1: createProduct(input: $p1) { id } }"
        );
    }
}
