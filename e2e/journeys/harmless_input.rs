//! Input that looks suspicious but is valid is stored and returned unchanged.

use anyhow::Result;
use serde_json::json;

use crate::support::{Shop, Topology, on};

#[tokio::test]
async fn harmless_input_is_returned_unchanged_on_sqlite() -> Result<()> {
    on(Topology::OneProcess, harmless).await
}

#[tokio::test]
async fn harmless_input_is_returned_unchanged_on_postgres() -> Result<()> {
    on(Topology::THREE_PROCESSES, harmless).await
}

async fn harmless(shop: &mut Shop) -> Result<()> {
    let mut session = shop.session()?;
    for name in [
        "Robert'); DROP TABLE events;--",
        "100% \\ _ \"quoted\" <b>&amp;</b> ${x} {{y}}",
        "👩‍👩‍👧‍👦 家族 שלום",
        &"😀".repeat(100),
    ] {
        let id = session.create_category(name).await?;
        let found = session
            .run(
                "query($id: ID!) { category(id: $id) { name } }",
                json!({ "id": id }),
            )
            .await?;
        assert_eq!(found, json!({ "name": name }));
        let by_name = "query($name: String!) { categoryByName(name: $name) { id } }";
        let found = session.run(by_name, json!({ "name": name })).await?;
        assert_eq!(found, json!({ "id": id }));
        let search = "query($term: String!) { searchCategories(searchTerm: $term) { id } }";
        let found = session.run(search, json!({ "term": name })).await?;
        assert_eq!(found, json!([{ "id": id }]));
    }
    Ok(())
}
