//! A client that reads what it wrote: it sends the position that it got last.

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

    /// The position that it reads at least.
    pub fn position(&self) -> Option<&str> {
        self.position.as_deref()
    }

    /// Goes on at another gateway with what it knows.
    pub fn move_to(&mut self, gateway: SocketAddr) {
        self.gateway = gateway;
    }

    /// Sends an operation and gives the whole answer.
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

    /// Sends an operation with one root field and gives that field.
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

    /// Sends an operation that must be refused with this code.
    pub async fn refused(
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

    /// Makes a category and gives its id.
    pub async fn create_category(&mut self, name: &str) -> Result<String> {
        let category = self
            .run(
                "mutation($input: CreateCategoryInput!) { createCategory(input: $input) { id } }",
                json!({ "input": { "name": name } }),
            )
            .await?;
        id_of(&category)
    }

    /// Makes a product and gives its id.
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
