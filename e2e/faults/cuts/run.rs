//! Sends requests under keys, and compares their reported outcomes with the stored events.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use test_faults::{Cut, Link};
use test_shop::{Answer, Operation, until_within};
use tokio::time::timeout;

use crate::faults::linked::Linked;
use crate::support::{Database, Session, order_input, text};

const CREATE_PRODUCT: &str = "mutation($input: CreateProductInput!) { createProduct(input: $input) { \
    id name stockQuantity category { name productCount } } }";
const CREATE_ORDER: &str = "mutation($input: CreateOrderInput!) { createOrder(input: $input) { \
    id userId totalAmount sagaState { type } } }";
const DELETE_NOTHING: &str = "mutation { deleteCategory(id: \"absent\") }";
const READ_NOTHING: &str = "{ productExists(id: \"absent\") categoryExists(id: \"absent\") \
    order(id: \"absent\") { id } sagaState(orderId: \"absent\") { type } }";
/// Longer than any deadline of the services.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);
/// Longer than the lease of a key.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(40);

/// All requests of a run.
#[derive(Debug)]
pub struct Run<'a> {
    pub system: &'a Linked,
    log: Log,
    category: String,
    product: String,
    sent: u64,
    open: Vec<Request>,
    counts: Counts,
}

/// A mutation under a key.
#[derive(Clone, Debug)]
pub struct Request {
    /// The name of what it creates.
    tag: String,
    operation: Operation,
    /// The first answer with data, if any.
    first: Option<Value>,
}

/// The result that an answer reports.
#[derive(Debug)]
enum AnswerKind {
    Answered(Value),
    InProgress,
    Outcome(String),
}

/// The results of all requests.
#[derive(Debug, Default)]
pub struct Counts {
    /// Cuts that happened, and how many of them lasted until the first answer.
    cuts: u64,
    stayed: u64,
    /// Cuts at a byte that was never sent.
    missed: u64,
    /// Answers by kind, of first requests and immediate repeats.
    answered: u64,
    in_progress: u64,
    none: u64,
    unknown: u64,
    committed: u64,
    /// Requests whose repeats all got one answer.
    resolved: u64,
}

impl<'a> Run<'a> {
    pub async fn start(system: &'a Linked) -> Result<Self> {
        let mut session = Session::new(system.gateway);
        let category = session.create_category("Everything").await?;
        let input = json!({ "name": "Pot", "price": 3, "stockQuantity": 1_000_000 });
        let product = session.create_product(input).await?;
        Ok(Self {
            system,
            log: Log::open(system).await?,
            category,
            product,
            sent: 0,
            open: Vec::new(),
            counts: Counts::default(),
        })
    }

    fn next_operation(&mut self) -> Request {
        self.sent += 1;
        let tag = format!("cut-{}", self.sent);
        let operation = if self.sent.is_multiple_of(2) {
            let variables = order_input(&tag, &[(&self.product, 1)]);
            Operation::new(CREATE_ORDER).with(variables)
        } else {
            let input = json!({ "name": tag, "price": 1, "categoryId": self.category });
            Operation::new(CREATE_PRODUCT).with(json!({ "input": input }))
        };
        Request {
            operation: operation.with_header("Idempotency-Key", &tag),
            tag,
            first: None,
        }
    }

    /// Waits until every service answers over every link, and every table has caught up.
    async fn ready(&mut self) -> Result<()> {
        let gateway = self.system.gateway;
        let head = self.log.database.head().await?.to_string();
        let prefix = self.sent;
        let mut tries = 0;
        until_within(RESOLVE_TIMEOUT, "a system that answers", async || {
            tries += 1;
            let key = format!("ready-{prefix}-{tries}");
            let delete = Operation::new(DELETE_NOTHING).with_header("Idempotency-Key", &key);
            let answer = delete.send(gateway).await?;
            ensure!(answer.code() == Some("NOT_FOUND"), "{}", answer.body);
            let read = Operation::new(READ_NOTHING).with_header("X-Min-Position", &head);
            let read = read.send(gateway).await?;
            let errors = read.body["errors"]
                .as_array()
                .map_or(&[][..], Vec::as_slice);
            let is_absent = |error: &Value| error["extensions"]["code"] == "NOT_FOUND";
            ensure!(
                errors.len() == 2 && errors.iter().all(is_absent),
                "{}",
                read.body
            );
            Ok(())
        })
        .await
    }

    /// The maximum number of bytes that a mutation sends over a link, in each direction.
    pub async fn measure(&mut self, link: &Link) -> Result<[u64; 2]> {
        let mut most = [0; 2];
        for _ in 0..2 {
            self.ready().await?;
            let request = self.next_operation();
            link.arm(None);
            let kind = self.ask(&request).await?;
            ensure!(
                matches!(kind, AnswerKind::Answered(_)),
                "nothing was cut: {kind:?}"
            );
            for (most, passed) in most.iter_mut().zip(link.passed()) {
                *most = passed.max(*most);
            }
        }
        Ok(most)
    }

    /// Sends a mutation while a link is cut, and repeats it after the link is restored.
    pub async fn strike(&mut self, link: &Link, cut: Cut) -> Result<()> {
        self.ready().await?;
        let mut request = self.next_operation();
        let what = format!("{}, {cut:?}, {}", link.name, request.tag);
        link.arm(Some(cut));
        let first = self.ask(&request).await;
        let was_cut = !link.is_armed();
        link.mend();
        if was_cut {
            self.counts.cuts += 1;
            self.counts.stayed += u64::from(cut.stays);
        } else {
            self.counts.missed += 1;
        }
        let first = first.with_context(|| format!("the first answer: {what}"))?;
        self.note(&mut request, first);
        let again = self.ask(&request).await;
        let again = again.with_context(|| format!("the repeat: {what}"))?;
        self.note(&mut request, again);
        self.open.push(request);
        Ok(())
    }

    fn note(&mut self, request: &mut Request, kind: AnswerKind) {
        match kind {
            AnswerKind::Answered(body) => {
                self.counts.answered += 1;
                request.first.get_or_insert(body);
            }
            AnswerKind::InProgress => self.counts.in_progress += 1,
            AnswerKind::Outcome(outcome) => match outcome.as_str() {
                "none" => self.counts.none += 1,
                "unknown" => self.counts.unknown += 1,
                _ => self.counts.committed += 1,
            },
        }
    }

    /// Repeats every request until it has one answer.
    pub async fn finish(mut self) -> Result<Counts> {
        self.ready().await?;
        for request in std::mem::take(&mut self.open) {
            let tag = request.tag.clone();
            let resolved = self.resolve(&request).await;
            resolved.with_context(|| format!("resolve {tag}"))?;
            self.counts.resolved += 1;
        }
        self.log.close().await?;
        Ok(self.counts)
    }

    /// Repeats the request: all answers with data must be equal, and the mutation must be in the log once.
    async fn resolve(&mut self, request: &Request) -> Result<()> {
        let answer = until_within(RESOLVE_TIMEOUT, "an answer", async || {
            match self.ask(request).await? {
                AnswerKind::Answered(body) => Ok(body),
                other => bail!("{other:?}"),
            }
        })
        .await?;
        if let Some(first) = &request.first {
            ensure!(*first == answer, "first {first}, then {answer}");
        }
        let AnswerKind::Answered(again) = self.ask(request).await? else {
            bail!("it was answered before");
        };
        ensure!(again == answer, "first {answer}, then {again}");
        let made = self.log.made(&request.tag).await?;
        let field = answer["data"]
            .as_object()
            .and_then(|data| data.values().next());
        let id = text(field.context("no data")?, "id")?;
        ensure!(*made == [id], "{id} is there as {made:?}");
        Ok(())
    }

    /// Sends the request once. The reported outcome must be true.
    async fn ask(&mut self, request: &Request) -> Result<AnswerKind> {
        let answer = timeout(ANSWER_TIMEOUT, request.operation.send(self.system.gateway));
        let answer = answer.await.context("the gateway does not answer")??;
        if let Ok(data) = answer.data() {
            ensure!(!data.is_null(), "no data: {}", answer.body);
            return Ok(AnswerKind::Answered(answer.body));
        }
        if answer.code() == Some("IDEMPOTENCY_IN_PROGRESS") {
            return Ok(AnswerKind::InProgress);
        }
        let outcome = self.check(request, &answer).await;
        outcome.with_context(|| answer.body.to_string())
    }

    async fn check(&mut self, request: &Request, answer: &Answer) -> Result<AnswerKind> {
        let code = answer.code().unwrap_or_default();
        let codes = ["SERVICE_UNAVAILABLE", "INTERNAL_ERROR"];
        ensure!(
            codes.contains(&code),
            "a cut connection cannot cause {code}"
        );
        let extension = |key| answer.extension(key).and_then(Value::as_str);
        let outcome = extension("outcome").context("no outcome")?;
        let made = self.log.made(&request.tag).await?;
        match outcome {
            "none" => ensure!(made.is_empty(), "it is stored as {made:?}"),
            "committed" => {
                let id = extension("id");
                let is_there = |id: &str| *made == [id];
                ensure!(
                    made.len() == 1 && id.is_none_or(is_there),
                    "there is {made:?}"
                );
                ensure!(extension("position").is_some(), "no position");
            }
            other => ensure!(other == "unknown", "unexpected outcome {other}"),
        }
        let retry = answer.extension("retryAfter").is_some();
        ensure!(retry == (outcome != "committed"), "retryAfter: {retry}");
        Ok(AnswerKind::Outcome(outcome.to_owned()))
    }
}

impl Counts {
    /// Fails if too little happened for the test to be meaningful.
    pub fn floor(&self, links: u64, places: u64, staying: u64) -> Result<()> {
        let planned = links * (2 * places + staying);
        ensure!(
            self.cuts * 3 >= planned * 2,
            "only {} of {planned} cuts",
            self.cuts
        );
        ensure!(
            self.stayed >= links * staying / 2,
            "only {} cuts stayed",
            self.stayed
        );
        ensure!(
            self.resolved == planned,
            "{} of {planned} resolved",
            self.resolved
        );
        ensure!(self.unknown + self.committed > 0, "no cut had an effect");
        Ok(())
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} cuts, {} of them stayed, {} missed; {} answered, {} in progress, {} none, {} unknown, {} committed; \
             {} keys resolved",
            self.cuts,
            self.stayed,
            self.missed,
            self.answered,
            self.in_progress,
            self.none,
            self.unknown,
            self.committed,
            self.resolved,
        )
    }
}

/// The stored entities, by the tag of their request.
#[derive(Debug)]
struct Log {
    database: Database,
    through: i64,
    made: HashMap<String, Vec<String>>,
}

impl Log {
    async fn open(system: &Linked) -> Result<Self> {
        Ok(Self {
            database: Database::events(&system.store).await?,
            through: 0,
            made: HashMap::new(),
        })
    }

    /// The ids of the entities created under a tag so far.
    async fn made(&mut self, tag: &str) -> Result<&Vec<String>> {
        loop {
            let page = self.database.page(self.through).await?;
            let Some(last) = page.last() else {
                break;
            };
            self.through = last.position;
            for event in page {
                let tag = match event.event_type.as_str() {
                    "ProductCreated" => text(&event.data, "name")?,
                    "OrderCreated" => text(&event.data, "user_id")?,
                    _ => continue,
                };
                let made = self.made.entry(tag.to_owned()).or_default();
                made.push(event.stream.clone());
            }
        }
        Ok(self.made.entry(tag.to_owned()).or_default())
    }

    async fn close(self) -> Result<()> {
        self.database.close().await
    }
}
