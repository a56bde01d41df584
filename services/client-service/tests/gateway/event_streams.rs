//! Subscriptions over graphql-sse, in distinct connections mode.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use test_shop::{Request, position};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::test_gateway::{TestGateway, graphql};

const TIMEOUT: Duration = Duration::from_secs(30);
const CREATED: &str = "subscription($after: String) { productCreated(after: $after) { name } }";

/// An open event stream.
pub struct Events {
    reader: BufReader<TcpStream>,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Event {
    pub id: String,
    pub name: String,
    pub data: String,
}

impl Event {
    pub fn json(&self) -> Result<Value> {
        ensure!(self.name == "next", "{self:?}");
        Ok(serde_json::from_str(&self.data)?)
    }
}

impl Events {
    async fn open(gateway: &TestGateway, headers: &str, variables: Value) -> Result<Self> {
        let body = json!({"query": CREATED, "variables": variables});
        Self::request(gateway, headers, &body).await
    }

    /// Opens the stream of a request, with more headers.
    pub async fn request(gateway: &TestGateway, headers: &str, body: &Value) -> Result<Self> {
        let body = body.to_string();
        let mut stream = TcpStream::connect(gateway.address()).await?;
        let head = format!(
            "POST /graphql HTTP/1.1\r\nhost: {}\r\naccept: text/event-stream\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n{headers}\r\n{body}",
            gateway.address(),
            body.len()
        );
        stream.write_all(head.as_bytes()).await?;
        let mut events = Self {
            reader: BufReader::new(stream),
        };
        let status = events.line().await?;
        ensure!(status.starts_with("HTTP/1.1 200"), "{status}");
        let mut head = String::new();
        loop {
            let line = events.line().await?;
            if line.is_empty() {
                break;
            }
            head += &line;
        }
        ensure!(head.contains("text/event-stream"), "{head}");
        Ok(events)
    }

    async fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        let read = self.reader.read_line(&mut line);
        let read = tokio::time::timeout(TIMEOUT, read)
            .await
            .context("late")??;
        ensure!(read > 0, "the end");
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    }

    /// The next event. The sizes of chunks and the comments are skipped.
    pub async fn next(&mut self) -> Result<Event> {
        let reading = async {
            let mut event = Event::default();
            loop {
                let line = self.line().await?;
                match line.split_once(": ") {
                    Some(("id", id)) => id.clone_into(&mut event.id),
                    Some(("event", name)) => name.clone_into(&mut event.name),
                    Some(("data", data)) => data.clone_into(&mut event.data),
                    _ if line.is_empty() && !event.name.is_empty() => return Ok(event),
                    _ => {}
                }
            }
        };
        // A stream without events has comments.
        let read = tokio::time::timeout(TIMEOUT, reading).await;
        read.context("no event in time")?
    }

    /// The lines of all events until the stream ends.
    pub async fn rest(mut self) -> Result<Vec<String>> {
        let reading = async {
            let mut lines = Vec::new();
            loop {
                match self.line().await?.as_str() {
                    // The size of the last chunk.
                    "0" => return Ok(lines),
                    line if line.contains(": ") => lines.push(line.to_owned()),
                    _ => {}
                }
            }
        };
        // A stream that does not end has comments again and again.
        let read = tokio::time::timeout(TIMEOUT, reading).await;
        read.context("the stream does not end")?
    }

    async fn name(&mut self) -> Result<String> {
        let event = self.next().await?.json()?;
        let name = event["data"]["productCreated"]["name"].as_str();
        Ok(name.context("a name")?.to_owned())
    }
}

#[tokio::test]
async fn an_event_stream_resumes_at_its_last_event() -> Result<()> {
    let gateway = TestGateway::open().await?;
    gateway.product("One", None).await?;
    let mut events = Events::open(&gateway, "", json!({"after": "0"})).await?;
    let first = events.next().await?;
    let payload = first.json()?;
    assert_eq!(payload["data"]["productCreated"]["name"], "One");
    assert_eq!(first.id, position(&payload)?.to_string());
    gateway.product("Two", None).await?;
    assert_eq!(events.name().await?, "Two");

    // A browser repeats the request, and adds the id of the last event.
    let last = format!("last-event-id: {}\r\n", first.id);
    let mut again = Events::open(&gateway, &last, json!({"after": "0"})).await?;
    assert_eq!(again.name().await?, "Two");
    gateway.product("Three", None).await?;
    assert_eq!(again.name().await?, "Three");
    assert_eq!(events.name().await?, "Three");
    Ok(())
}

#[tokio::test]
async fn an_event_stream_starts_at_the_position_that_the_client_knows() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let one = gateway.product("One", None).await?;
    let query = "query($id: ID!) { product(id: $id) { id } }";
    let known = gateway.ask_after(query, json!({ "id": one })).await?;
    let known = position(&known)?.to_string();
    gateway.product("Two", None).await?;
    let minimum = format!("x-min-position: {known}\r\n");
    let mut events = Events::open(&gateway, &minimum, json!({})).await?;
    assert_eq!(events.name().await?, "Two");
    // A position of the operation takes precedence.
    let mut events = Events::open(&gateway, &minimum, json!({"after": "0"})).await?;
    assert_eq!(events.name().await?, "One");
    Ok(())
}

#[tokio::test]
async fn a_position_above_the_head_is_rejected_by_the_name_of_its_header() -> Result<()> {
    let gateway = TestGateway::open().await?;
    gateway.product("One", None).await?;
    for (header, shown) in [
        ("x-min-position", "X-Min-Position"),
        ("last-event-id", "Last-Event-ID"),
    ] {
        for (value, given) in [
            ("1000000", "1000000"),
            ("x", "\"x\""),
            ("\u{e9}", "\"\u{e9}\""),
        ] {
            let mut request = graphql(CREATED, &json!({}));
            request.headers.retain(|(name, _)| name != "accept");
            let request = request.with_header("accept", "text/event-stream");
            let reply = gateway.send(&request.with_header(header, value)).await?;
            assert_eq!(reply.status, 400, "{header}: {value}");
            let error = reply.json()?["errors"][0].take();
            assert_eq!(error["extensions"]["code"], "BAD_REQUEST");
            let message = error["message"].as_str().context("a message")?;
            assert!(message.starts_with(shown), "{message}");
            assert!(message.ends_with(&format!("got {given}")), "{message}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn queries_and_mutations_are_streams_of_one_event() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let create = "mutation { createCategory(input: {name: \"Lamps\"}) { name } }";
    let mut request = graphql(create, &json!({}));
    request.headers.retain(|(name, _)| name != "accept");
    let request = request.with_header("accept", "text/event-stream");
    let reply = gateway.send(&request).await?;
    let body = String::from_utf8(reply.body.to_vec())?;
    assert!(
        body.starts_with("event: next\ndata: {\"data\":{\"createCategory\""),
        "{body}"
    );
    assert!(body.ends_with("\n\nevent: complete\ndata:\n\n"), "{body}");
    assert!(reply.header("x-min-position").is_some());

    let get = Request::get("/graphql?query=%7BcategoryExists(id:1)%7D");
    let reply = gateway
        .send(&get.with_header("accept", "text/event-stream"))
        .await?;
    let body = String::from_utf8(reply.body.to_vec())?;
    assert!(body.contains("\"categoryExists\":false"), "{body}");
    Ok(())
}

#[tokio::test]
async fn a_client_that_prefers_json_gets_a_stream_for_subscriptions_only() -> Result<()> {
    let gateway = TestGateway::open().await?;
    gateway.product("One", None).await?;
    // As urql sends it with every operation.
    let accept = "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed";
    let ask = async |query: &str| {
        let mut request = graphql(query, &json!({}));
        request.headers.retain(|(name, _)| name != "accept");
        gateway.send(&request.with_header("accept", accept)).await
    };
    let json = "application/graphql-response+json; charset=utf-8";
    let create = "mutation { createCategory(input: {name: \"Lamps\"}) { name } }";
    for (query, status) in [
        ("{ productStatistics { totalCount } }", 200),
        (create, 200),
        ("{ nothing }", 400),
        ("subscription { nothing }", 400),
        ("{", 400),
    ] {
        let reply = ask(query).await?;
        assert_eq!(reply.status, status, "{query}");
        assert_eq!(reply.header("content-type"), Some(json), "{query}");
        let position = reply.header("x-min-position");
        assert_eq!(position.is_some(), status == 200, "{query}");
    }
    let body = json!({"query": CREATED, "variables": {"after": "0"}});
    let also = "accept: application/json\r\n";
    let mut events = Events::request(&gateway, also, &body).await?;
    assert_eq!(events.name().await?, "One");
    Ok(())
}

#[tokio::test]
async fn what_is_not_executed_is_answered_without_a_stream() -> Result<()> {
    let gateway = TestGateway::open().await?;
    for (query, status) in [
        ("subscription { productCreated(after: \"9\") { id } }", 400),
        ("subscription { nothing }", 400),
        ("subscription {", 400),
    ] {
        let mut request = graphql(query, &json!({}));
        request.headers.retain(|(name, _)| name != "accept");
        let request = request.with_header("accept", "text/event-stream");
        let reply = gateway.send(&request).await?;
        assert_eq!(reply.status, status, "{query}");
        assert!(reply.json()?["errors"][0]["extensions"]["code"].is_string());
    }
    // A subscription is not answered as JSON.
    let reply = gateway.ask(CREATED, json!({})).await?;
    assert_eq!(reply.status, 400);
    assert_eq!(
        reply.json()?["errors"][0]["extensions"]["code"],
        "GRAPHQL_VALIDATION_FAILED"
    );
    Ok(())
}
