//! A GraphQL client over HTTP.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use hyper::StatusCode;
use serde_json::{Map, Value, json};

use crate::http::{Connection, Request};

#[derive(Clone, Debug)]
pub struct Operation {
    document: String,
    variables: Value,
    headers: Vec<(String, String)>,
}

#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub position: Option<String>,
    pub body: Value,
}

impl Operation {
    #[must_use]
    pub fn new(document: &str) -> Self {
        Self {
            document: document.to_owned(),
            variables: Value::Object(Map::new()),
            headers: Vec::new(),
        }
    }

    #[must_use]
    pub fn with(mut self, variables: Value) -> Self {
        self.variables = variables;
        self
    }

    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    #[must_use]
    pub fn request(&self) -> Request {
        let body = json!({ "query": self.document, "variables": self.variables }).to_string();
        let mut request = Request::post_json("/graphql", body);
        request.headers.extend(self.headers.iter().cloned());
        request
    }

    /// Sends it on a new connection.
    ///
    /// # Errors
    /// If there is no response, or one that is not JSON.
    pub async fn send(&self, gateway: SocketAddr) -> Result<Answer> {
        self.send_on(&mut Connection::open(gateway).await?).await
    }

    /// Sends it on an open connection.
    ///
    /// # Errors
    /// If there is no response, or one that is not JSON.
    pub async fn send_on(&self, connection: &mut Connection) -> Result<Answer> {
        let reply = connection.send(&self.request()).await?;
        Ok(Answer {
            status: reply.status,
            position: reply.header("x-min-position").map(str::to_owned),
            body: reply.json()?,
        })
    }

    /// Sends it and returns the data.
    ///
    /// # Errors
    /// If the response has errors.
    pub async fn data(&self, gateway: SocketAddr) -> Result<Value> {
        self.send(gateway).await?.data()
    }
}

impl Answer {
    /// The data of the response.
    ///
    /// # Errors
    /// If there are errors.
    pub fn data(&self) -> Result<Value> {
        if self.body.get("errors").is_some() || !self.status.is_success() {
            bail!("{}: {}", self.status, self.body);
        }
        self.body.get("data").cloned().context("no data")
    }

    /// The code of the first error.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.extension("code")?.as_str()
    }

    /// The field of the first error.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        self.extension("field")?.as_str()
    }

    /// An extension of the first error.
    #[must_use]
    pub fn extension(&self, key: &str) -> Option<&Value> {
        self.body.get("errors")?.get(0)?.get("extensions")?.get(key)
    }
}
