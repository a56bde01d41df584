//! A client with a token, whose answers are recorded.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use test_shop::{Reply, Request};
use test_tokens::Secrets;

use crate::event_streams::Events;
use crate::test_gateway::{TestGateway, graphql, text};

pub const PLACE: &str = "mutation($v: CreateOrderInput!) { createOrder(input: $v) {
    id nodeId userId status totalAmount shippingAddress { street city } sagaState { type state } } }";
pub const CANCEL: &str = "mutation($v: CancelOrderInput!) { cancelOrder(input: $v) }";

/// A client of a gateway.
pub struct Client<'g> {
    gateway: &'g TestGateway,
    pub authorization: String,
    pub subject: String,
    received: Mutex<Vec<String>>,
}

impl<'g> Client<'g> {
    pub fn new(gateway: &'g TestGateway, secrets: &Secrets, subject: &str, role: &str) -> Self {
        Self {
            gateway,
            authorization: secrets.authorization(subject, &[role]),
            subject: subject.to_owned(),
            received: Mutex::default(),
        }
    }

    pub fn customer(gateway: &'g TestGateway, secrets: &Secrets, subject: &str) -> Self {
        Self::new(gateway, secrets, subject, "customer")
    }

    pub fn admin(gateway: &'g TestGateway, secrets: &Secrets) -> Self {
        Self::new(gateway, secrets, "keeper", "admin")
    }

    /// The payload of its `connection_init`.
    pub fn payload(&self) -> Value {
        json!({"Authorization": self.authorization})
    }

    /// The line of its header.
    pub fn header(&self) -> String {
        format!("authorization: {}\r\n", self.authorization)
    }

    /// Records what it received otherwise.
    pub fn record(&self, message: impl Into<String>) {
        let received = self.received.lock();
        let mut received = received.unwrap_or_else(PoisonError::into_inner);
        received.push(message.into());
    }

    /// Everything that it received.
    pub fn received(&self) -> Vec<String> {
        let received = self.received.lock();
        received.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub async fn send(&self, request: Request) -> Result<Reply> {
        let request = request.with_header("authorization", &self.authorization);
        let reply = self.gateway.send(&request).await?;
        let body = String::from_utf8_lossy(&reply.body);
        self.record(format!("{} {:?} {body}", reply.status, reply.headers));
        Ok(reply)
    }

    /// The body of a request that names what is another one's. The names that it gives are not recorded.
    pub async fn pry(&self, query: &str, variables: &Value) -> Result<Value> {
        let request = graphql(query, variables);
        let request = request.with_header("authorization", &self.authorization);
        let reply = self.gateway.send(&request).await?;
        let body = String::from_utf8_lossy(&reply.body);
        let mut answer = format!("{} {:?} {body}", reply.status, reply.headers);
        for given in variables.as_object().into_iter().flatten() {
            answer = answer.replace(given.1.as_str().unwrap_or_default(), "<given>");
        }
        self.record(answer);
        reply.json()
    }

    pub fn address(&self) -> SocketAddr {
        self.gateway.address()
    }

    /// Opens an event stream.
    pub async fn events(&self, query: &str, variables: &Value) -> Result<Events> {
        let body = json!({"query": query, "variables": variables});
        Events::request(self.gateway, &self.header(), &body).await
    }

    pub async fn ask(&self, query: &str, variables: Value) -> Result<Reply> {
        let position = self.gateway.seen().to_string();
        let request = graphql(query, &variables).with_header("x-min-position", &position);
        self.send(request).await
    }

    /// The data of a request that must have no errors.
    pub async fn data(&self, query: &str, variables: Value) -> Result<Value> {
        let mut body = self.ask(query, variables).await?.json()?;
        ensure!(body["errors"].is_null(), "{query} failed: {body}");
        Ok(body["data"].take())
    }

    /// The first error's code.
    pub async fn code(&self, query: &str, variables: Value) -> Result<String> {
        let body = self.ask(query, variables).await?.json()?;
        text(&body["errors"][0]["extensions"]["code"]).with_context(|| body.to_string())
    }

    /// The input of an order of its own.
    pub fn order(&self, product: &str) -> Value {
        let address = json!({"street": format!("{} Street", self.subject), "city": "Oslo",
            "postalCode": "0150"});
        json!({"userId": self.subject, "items": [{"productId": product, "quantity": 1}],
            "shippingAddress": address})
    }

    /// Places an order and returns its id.
    pub async fn place(&self, product: &str) -> Result<String> {
        let placed = self.data(PLACE, json!({"v": self.order(product)})).await?;
        text(&placed["createOrder"]["id"])
    }

    /// Creates a product and returns its id.
    pub async fn product(&self) -> Result<String> {
        let query = "mutation { createProduct(input: {name: \"Lamp\", price: 5, stockQuantity: 1000}) { id } }";
        text(&self.data(query, json!({})).await?["createProduct"]["id"])
    }

    /// Asks until the order has a status.
    pub async fn until(&self, order: &str, status: &str) -> Result<()> {
        let query = "query($v: ID!) { order(id: $v) { status } }";
        test_shop::until("the order's status", async || {
            let data = self.data(query, json!({ "v": order })).await?;
            ensure!(data["order"]["status"] == status, "{data}");
            Ok(())
        })
        .await
    }
}
