//! Documents are valid and invalid by the rules of the specification, as npm's `graphql` has them.

use anyhow::{Result, ensure};

use crate::support::{Packages, Shop, Topology, node, on, report};

const MIN_DOCUMENTS: u32 = 270;

#[tokio::test]
async fn the_gateway_agrees_with_graphql_js_on_what_is_valid() -> Result<()> {
    on(Topology::OneProcess, async |shop: &mut Shop| {
        let gateway = shop.system.gateway(0)?.to_string();
        let script = "validation/validation.cjs";
        let checks = node(Packages::Protocols, script, &[&gateway]).await?;
        ensure!(checks >= MIN_DOCUMENTS, "{checks} documents");
        report(&format!("validation: {checks} documents"));
        Ok(())
    })
    .await
}
