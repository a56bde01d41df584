//! The examples of the API's documentation have the responses that are shown.
//!
//! The examples of a page are sent in order to a fresh shop, each with the position of the response before it. Ids, cursors,
//! times and positions may differ from the page; an id that a later request repeats is that of the running shop.

mod compare;
mod page;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use test_shop::{Connection, Operation, Reply, Request, Socket, until};

use self::compare::Bindings;
use self::page::{Content, Example, examples};
use crate::support::{Topology, on, report};

/// Its queries have no response: the gateway's test of the cost executes them.
const PAGE_OF_COSTS: &str = "limits.md";
const MIN_POSITION: &str = "X-Min-Position";

#[tokio::test]
async fn the_examples_of_the_api_on_sqlite() -> Result<()> {
    all_pages(Topology::OneProcess).await
}

#[tokio::test]
async fn the_examples_of_the_api_on_postgres() -> Result<()> {
    all_pages(Topology::THREE_PROCESSES).await
}

async fn all_pages(topology: Topology) -> Result<()> {
    let mut count = 0;
    for page in pages()? {
        let text = std::fs::read_to_string(&page)?;
        let shown = page.display().to_string();
        let examples = examples(&text).with_context(|| shown.clone())?;
        count += examples.len();
        on(topology, async |shop| {
            let mut client = Client::new(shop.system.gateway(0)?);
            for example in &examples {
                let ran = client.run(example).await;
                ran.with_context(|| format!("{shown}:{}", example.line))?;
            }
            Ok(())
        })
        .await?;
    }
    ensure!(count >= 70, "the pages have only {count} examples");
    report(&format!("API examples on {topology}: {count}"));
    Ok(())
}

fn pages() -> Result<Vec<PathBuf>> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let mut pages = vec![docs.join("api-specification.md")];
    for page in std::fs::read_dir(docs.join("api"))? {
        let page = page?.path();
        if !page.ends_with(PAGE_OF_COSTS) {
            pages.push(page);
        }
    }
    pages.sort();
    Ok(pages)
}

/// Sends the examples of one page.
struct Client {
    gateway: SocketAddr,
    bindings: Bindings,
    /// The position of the last response.
    position: Option<String>,
}

impl Client {
    fn new(gateway: SocketAddr) -> Self {
        Self {
            gateway,
            bindings: Bindings::default(),
            position: None,
        }
    }

    async fn run(&mut self, example: &Example<'_>) -> Result<()> {
        match &example.content {
            Content::Http(text) => {
                let request = self.http_request(text)?;
                self.expect_reply(example, &request).await
            }
            Content::Graphql { document, .. } if document.starts_with("subscription") => {
                self.follow(example, document).await
            }
            Content::Graphql {
                document,
                variables,
                headers,
            } => {
                let variables = self.bindings.value_here(variables);
                let mut operation =
                    Operation::new(&self.bindings.text_here(document)).with(variables);
                let mut has_position = false;
                for (name, value) in headers {
                    has_position |= *name == MIN_POSITION;
                    operation = operation.with_header(name, &self.header_here(name, value));
                }
                if let Some(position) = self.position.as_ref().filter(|_| !has_position) {
                    operation = operation.with_header(MIN_POSITION, position);
                }
                let request = operation.request();
                if document.starts_with("mutation") {
                    return self.expect_reply(example, &request).await;
                }
                // An order changes by itself until it is as shown.
                let bindings = self.bindings.clone();
                until("the response that is shown", async || {
                    self.bindings = bindings.clone();
                    self.expect_reply(example, &request).await
                })
                .await
            }
        }
    }

    async fn expect_reply(&mut self, example: &Example<'_>, request: &Request) -> Result<()> {
        let mut connection = Connection::open(self.gateway).await?;
        let reply = connection.send(request).await?;
        self.expect_head(example, &reply)?;
        let Some(shown) = &example.response else {
            ensure!(reply.body.is_empty(), "the response has a body");
            return Ok(());
        };
        let actual = reply.json()?;
        self.bindings.compare(shown, &actual).with_context(|| {
            format!(
                "shown:\n{shown:#}\nactual, HTTP {}:\n{actual:#}",
                reply.status
            )
        })?;
        if let Some(position) = reply.header(MIN_POSITION) {
            self.position = Some(position.to_owned());
        }
        Ok(())
    }

    fn expect_head(&mut self, example: &Example<'_>, reply: &Reply) -> Result<()> {
        ensure!(
            reply.status.as_u16() == example.status,
            "shown: HTTP {}, actual: {}: {}",
            example.status,
            reply.status,
            String::from_utf8_lossy(&reply.body)
        );
        for (name, shown) in &example.response_headers {
            let actual = reply.header(name).with_context(|| format!("no {name}"))?;
            let key = name.to_ascii_lowercase();
            self.bindings.compare_text(&key, shown, actual)?;
        }
        Ok(())
    }

    /// A subscription's first message.
    async fn follow(&mut self, example: &Example<'_>, document: &str) -> Result<()> {
        let Content::Graphql { variables, .. } = &example.content else {
            bail!("a subscription is GraphQL");
        };
        let mut socket = Socket::open(self.gateway).await?;
        let variables = self.bindings.value_here(variables);
        let document = self.bindings.text_here(document);
        socket.subscribe("1", &document, &variables).await?;
        let actual = socket.payload("1").await?;
        let shown = example.response.as_ref().context("no response is shown")?;
        self.bindings
            .compare(shown, &actual)
            .with_context(|| format!("shown:\n{shown:#}\nactual:\n{actual:#}"))
    }

    fn header_here(&self, name: &str, value: &str) -> String {
        if name == MIN_POSITION {
            self.bindings.position_here(value)
        } else {
            self.bindings.text_here(value)
        }
    }

    /// A request that the page shows as a whole.
    fn http_request(&self, text: &str) -> Result<Request> {
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let mut lines = head.lines();
        let first = lines.next().unwrap_or_default();
        let mut request = match first.split_once(' ') {
            Some(("GET", path)) => Request::get(path),
            Some(("POST", path)) => Request {
                headers: Vec::new(),
                ..Request::post_json(path, self.bindings.text_here(body))
            },
            _ => bail!("{first:?} is not a request"),
        };
        for line in lines {
            let (name, value) = line.split_once(": ").context("a header is NAME: VALUE")?;
            request = request.with_header(name, &self.header_here(name, value));
        }
        Ok(request)
    }
}

#[test]
fn an_example_without_a_response_is_an_error() {
    for text in [
        "```graphql\n{ a }\n```\n",
        "```graphql\n{ a }\n```\n```graphql\n{ b }\n```\n```json\n{\"data\": {}}\n```\n",
        "```json\n{\"data\": {}}\n```\n",
        "```http\nX-Min-Position: 2\n```\n",
    ] {
        assert!(examples(text).is_err(), "{text}");
    }
}

#[test]
fn an_example_that_shows_something_else_is_found() {
    let shown: Value = serde_json::json!({"data": {"a": {"id": "01a229fd-b89b-7acf-8173-a0e3e101096c", "name": "Tea"}}});
    for (actual, fits) in [
        (
            r#"{"data": {"a": {"id": "01a22a01-14cd-7d12-90e1-9c397a64bfb4", "name": "Tea"}}}"#,
            true,
        ),
        (
            r#"{"data": {"a": {"id": "01a22a01-14cd-7d12-90e1-9c397a64bfb4", "name": "Teas"}}}"#,
            false,
        ),
        (r#"{"data": {"a": {"id": "tea", "name": "Tea"}}}"#, false),
        (
            r#"{"data": {"a": {"id": "01a22a01-14cd-7d12-90e1-9c397a64bfb4"}}}"#,
            false,
        ),
        (r#"{"data": {"a": null}}"#, false),
    ] {
        let actual = serde_json::from_str(actual).expect("JSON");
        let compared = Bindings::default().compare(&shown, &actual);
        assert_eq!(compared.is_ok(), fits, "{actual}");
    }
}
