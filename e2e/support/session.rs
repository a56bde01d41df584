//! A client that reads its own writes: it sends the position of its last response as the minimum.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use test_shop::{Answer, Operation};

/// One client of one gateway.
#[derive(Clone, Debug)]
pub struct Session {
    pub gateway: SocketAddr,
    position: Option<String>,
}

impl Session {
    pub fn new(gateway: SocketAddr) -> Self {
        Self {
            gateway,
            position: None,
        }
    }

    /// Its minimum position.
    pub fn position(&self) -> Option<&str> {
        self.position.as_deref()
    }

    /// Continues at another gateway with the same minimum position.
    pub fn move_to(&mut self, gateway: SocketAddr) {
        self.gateway = gateway;
    }

    /// Sends an operation and returns the whole answer.
    pub async fn send(&mut self, document: &str, variables: Value) -> Result<Answer> {
        let mut operation = Operation::new(document).with(variables);
        if let Some(position) = &self.position {
            operation = operation.with_header("X-Min-Position", position);
        }
        let answer = operation.send(self.gateway).await?;
        if answer.position.is_some() {
            self.position.clone_from(&answer.position);
        }
        Ok(answer)
    }

    /// Sends an operation with one root field and returns that field.
    pub async fn run(&mut self, document: &str, variables: Value) -> Result<Value> {
        let answer = self.send(document, variables.clone()).await?;
        let data = answer
            .data()
            .with_context(|| format!("{document} with {variables}"))?;
        match data.as_object().and_then(|data| data.values().next()) {
            Some(value) => Ok(value.clone()),
            None => bail!("no field in {data}"),
        }
    }

    /// Sends an operation that must be rejected with this code.
    pub async fn expect_rejection(
        &mut self,
        code: &str,
        document: &str,
        variables: Value,
    ) -> Result<Answer> {
        let answer = self.send(document, variables.clone()).await?;
        if answer.code() != Some(code) {
            bail!(
                "{document} with {variables}: expected {code}, got {}: {}",
                answer.status,
                answer.body
            );
        }
        Ok(answer)
    }

    /// Creates a category and returns its id.
    pub async fn create_category(&mut self, name: &str) -> Result<String> {
        let category = self
            .run(
                "mutation($input: CreateCategoryInput!) { createCategory(input: $input) { id } }",
                json!({ "input": { "name": name } }),
            )
            .await?;
        id_of(&category)
    }

    /// Creates a product and returns its id.
    pub async fn create_product(&mut self, input: Value) -> Result<String> {
        let product = self
            .run(
                "mutation($input: CreateProductInput!) { createProduct(input: $input) { id } }",
                json!({ "input": input }),
            )
            .await?;
        id_of(&product)
    }
}

fn id_of(entity: &Value) -> Result<String> {
    let id = entity.get("id").and_then(Value::as_str);
    Ok(id.context("no id")?.to_owned())
}
