//! The examples of a page.
//!
//! ```text
//!   http      request headers for the GraphQL that follows, or a whole request (POST /graphql …)
//!   graphql   an operation
//!   json      its variables
//!   http      the status line and headers of the response (HTTP/1.1 …), if they are shown
//!   json      the response: it has data or errors
//! ```

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value};

type Headers<'a> = Vec<(&'a str, &'a str)>;

#[derive(Debug)]
pub struct Example<'a> {
    /// Where it starts in the page.
    pub line: usize,
    pub content: Content<'a>,
    pub status: u16,
    pub response_headers: Headers<'a>,
    /// `None` if only a status is shown.
    pub response: Option<Value>,
}

#[derive(Debug)]
pub enum Content<'a> {
    Graphql {
        document: &'a str,
        variables: Value,
        headers: Headers<'a>,
    },
    /// A whole request.
    Http(&'a str),
}

/// Collects the blocks of an example.
#[derive(Default)]
struct Reader<'a> {
    done: Vec<Example<'a>>,
    headers: Headers<'a>,
    /// The one whose response has not been read.
    open: Option<Example<'a>>,
    has_status: bool,
}

/// All examples of a page.
///
/// # Errors
/// A block belongs to no example, or an example has no response.
pub fn examples(page: &str) -> Result<Vec<Example<'_>>> {
    let mut reader = Reader::default();
    let mut line = 1;
    for (index, part) in page.split("```").enumerate() {
        if index % 2 == 1 {
            let (language, body) = part.split_once('\n').unwrap_or((part, ""));
            let read = reader.read(line, language, body.trim_end());
            read.with_context(|| format!("the block in line {line}"))?;
        }
        line += part.matches('\n').count();
    }
    reader.close()?;
    ensure!(reader.headers.is_empty(), "headers without a request");
    Ok(reader.done)
}

impl<'a> Reader<'a> {
    fn read(&mut self, line: usize, language: &str, body: &'a str) -> Result<()> {
        match language {
            "graphql" => {
                let headers = std::mem::take(&mut self.headers);
                let content = Content::Graphql {
                    document: body,
                    variables: Value::Object(Map::new()),
                    headers,
                };
                self.begin(line, content)
            }
            "http" if body.starts_with("HTTP/") => self.head(body),
            "http" if body.starts_with("POST ") || body.starts_with("GET ") => {
                self.begin(line, Content::Http(body))
            }
            "http" => {
                self.headers = headers(body.lines())?;
                Ok(())
            }
            "json" => self.json(serde_json::from_str(body)?),
            _ => Ok(()),
        }
    }

    fn begin(&mut self, line: usize, content: Content<'a>) -> Result<()> {
        self.close()?;
        self.has_status = false;
        self.open = Some(Example {
            line,
            content,
            status: 200,
            response_headers: Vec::new(),
            response: None,
        });
        Ok(())
    }

    fn head(&mut self, body: &'a str) -> Result<()> {
        let example = self.open.as_mut().context("a response without a request")?;
        let mut lines = body.lines();
        let status = lines.next().and_then(|first| first.split(' ').nth(1));
        example.status = status.context("no status")?.parse()?;
        example.response_headers = headers(lines)?;
        self.has_status = true;
        Ok(())
    }

    fn json(&mut self, value: Value) -> Result<()> {
        let is_response = value.get("data").is_some() || value.get("errors").is_some();
        let mut example = self.open.take().context("JSON without a request")?;
        if is_response {
            example.response = Some(value);
            self.done.push(example);
            return Ok(());
        }
        let Content::Graphql { variables, .. } = &mut example.content else {
            bail!("a response has data or errors");
        };
        *variables = value;
        self.open = Some(example);
        Ok(())
    }

    /// Ends an example that has a status alone.
    fn close(&mut self) -> Result<()> {
        if let Some(example) = self.open.take() {
            ensure!(
                self.has_status,
                "the request in line {} has no response",
                example.line
            );
            self.done.push(example);
        }
        Ok(())
    }
}

fn headers<'a>(lines: impl Iterator<Item = &'a str>) -> Result<Headers<'a>> {
    lines
        .map(|line| line.split_once(": ").context("a header is NAME: VALUE"))
        .collect()
}
