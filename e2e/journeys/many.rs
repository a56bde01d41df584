//! Two processes of each service on the same databases.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::{Session, Shop, Topology, number, on, report, text};

const TWO: Topology = Topology::Services { each: 2 };

#[tokio::test]
async fn a_name_has_one_winner() -> Result<()> {
    on(TWO, async |shop: &mut Shop| {
        for round in 0..10 {
            let name = format!("Contested {round}");
            let mut running = JoinSet::new();
            for index in 0..8 {
                let mut session = shop.session_on(index % 2)?;
                let name = name.clone();
                running.spawn(async move {
                    let document = "mutation($input: CreateCategoryInput!) { createCategory(input: $input) { id } }";
                    session.send(document, json!({ "input": { "name": name } })).await
                });
            }
            let (mut won, mut lost) = (0, 0);
            while let Some(answer) = running.join_next().await {
                let answer = answer??;
                match answer.code() {
                    None => won += 1,
                    Some("CONFLICT") => lost += 1,
                    Some(_) => anyhow::bail!("{}", answer.body),
                }
            }
            assert_eq!((won, lost), (1, 7), "{name}");
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_category_is_not_deleted_under_a_product() -> Result<()> {
    on(TWO, async |shop: &mut Shop| {
        let (mut deleted, mut survived) = (0, 0);
        // The creation starts later each time until the deletion wins, then immediately again, so that the two overlap.
        let mut head_start = Duration::ZERO;
        for round in 0.. {
            if deleted >= 3 && survived >= 3 {
                break;
            }
            ensure!(
                round < 300,
                "one side always wins: {deleted} deleted, {survived} survived"
            );
            if race(shop, round, head_start).await? {
                deleted += 1;
                head_start = Duration::ZERO;
            } else {
                survived += 1;
                head_start += Duration::from_millis(1);
            }
        }
        report(&format!(
            "deletion against creation: {deleted} deleted, {survived} survived"
        ));
        Ok(())
    })
    .await
}

/// A category is deleted through one gateway while a product is created in it through the other. Returns whether it was
/// deleted.
async fn race(shop: &Shop, round: u32, head_start: Duration) -> Result<bool> {
    let mut creator = shop.session_on(0)?;
    let mut deleter = shop.session_on(1)?;
    let category = creator.create_category(&format!("Shaky {round}")).await?;
    let create = "mutation($input: CreateProductInput!) { createProduct(input: $input) { id } }";
    let input = json!({ "name": "p", "price": 1, "categoryId": category });
    let creation = async {
        tokio::time::sleep(head_start).await;
        creator.send(create, json!({ "input": input })).await
    };
    let delete = "mutation($id: ID!) { deleteCategory(id: $id) }";
    let deletion = deleter.send(delete, json!({ "id": category }));
    let (removed, created) = tokio::try_join!(deletion, creation)?;
    match (created.code(), removed.code()) {
        (None, Some("CONFLICT")) => Ok(false),
        (Some("VALIDATION_ERROR"), None) => Ok(true),
        _ => anyhow::bail!("create: {}, delete: {}", created.body, removed.body),
    }
}

/// Writers and readers on both sides: in the end both sides return the same rows.
#[tokio::test]
async fn both_read_sides_agree() -> Result<()> {
    on(TWO, async |shop: &mut Shop| {
        let category = shop.session()?.create_category("Shared").await?;
        let mut running = JoinSet::new();
        for index in 0..16 {
            let mut session = shop.session_on(index % 2)?;
            let category = category.clone();
            running.spawn(async move {
                work(&mut session, index, &category).await?;
                anyhow::Ok(session)
            });
        }
        while let Some(done) = running.join_next().await {
            done??;
        }
        let head = shop.head().await?.to_string();
        let mut answers = BTreeSet::new();
        for index in 0..2 {
            let answer = test_shop::Operation::new(
                "query($id: ID!) { category(id: $id) { productCount products { id name price stockQuantity version } } }",
            )
            .with(json!({ "id": category }))
            .with_header("X-Min-Position", &head)
            .data(shop.system.gateway(index)?)
            .await?;
            let count = number(&answer["category"], "productCount")?;
            ensure!((count - 80.0).abs() < 0.5, "{count} products");
            answers.insert(answer.to_string());
        }
        assert_eq!(answers.len(), 1, "the two read sides differ");
        Ok(())
    })
    .await
}

async fn work(session: &mut Session, index: usize, category: &str) -> Result<()> {
    for round in 0..5 {
        let name = format!("Product {index}-{round}");
        let input = json!({ "name": name, "price": 1, "categoryId": category });
        let id = session.create_product(input).await?;
        let stock = "mutation($id: ID!, $n: Int!) { updateStock(productId: $id, quantity: $n) { stockQuantity } }";
        session.run(stock, json!({ "id": id, "n": round })).await?;
        let read = "query($id: ID!) { product(id: $id) { name stockQuantity } }";
        let seen = session.run(read, json!({ "id": id })).await?;
        assert_eq!(text(&seen, "name")?, name);
        assert_eq!(seen.get("stockQuantity"), Some(&json!(round)));
    }
    Ok(())
}
