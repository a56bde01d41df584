//! What is said of a mutation's outcome is true: every mutation, with every field of its result, while each service
//! fails at each point. The cases are made from the schema and the answers from the gRPC contract, so that a new
//! mutation, field or method is among them by itself.

mod answers;
mod documents;
mod services;
mod true_services;

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use contract::status::{Outcome, Reason, committed_at, internal};
use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::{Value, json};
use tonic::Status;

use self::documents::{Case, Schema};
use self::services::{Failure, Point, stage};
use crate::test_gateway::{TestGateway, graphql};

/// The id of everything that the services answer with.
const ID: &str = "it";
/// Where every command takes effect.
const POSITION: u64 = 7;
/// Requests at a time.
const AT_ONCE: usize = 64;

/// What all errors of an answer must say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Answered,
    Nothing,
    Unknown,
    /// It took effect; what it is about is not known.
    Committed,
    CommittedWithId,
}

use Expected::{Answered, Committed, CommittedWithId, Nothing, Unknown};

async fn ask(stage: &TestGateway, document: &str, keyed: bool) -> Result<Value> {
    let mut request = graphql(document, &json!({}));
    if keyed {
        request = request.with_header("idempotency-key", "k");
    }
    stage.send(&request).await?.json()
}

fn errors(body: &Value) -> &[Value] {
    body["errors"].as_array().map_or(&[], Vec::as_slice)
}

fn check(body: &Value, expected: Expected, keyed: bool) -> Result<()> {
    let outcome = match expected {
        Answered => return ensure_answered(body),
        Nothing => "none",
        Unknown => "unknown",
        Committed | CommittedWithId => "committed",
    };
    for error in errors(body) {
        let said = &error["extensions"];
        ensure!(said["outcome"] == outcome, "the outcome is {outcome}");
        let committed = outcome == "committed";
        let position = committed.then(|| POSITION.to_string());
        ensure!(
            said["position"].as_str() == position.as_deref(),
            "the error's position"
        );
        // An error about a field is about a place of the document.
        ensure!(
            error["path"].is_null() || error["locations"][0]["line"].is_u64(),
            "the error's place"
        );
        let id = (expected == CommittedWithId).then_some(ID);
        ensure!(said["id"].as_str() == id, "the error's id");
        let retry = outcome == "none" || outcome == "unknown" && keyed;
        ensure!(said["retryAfter"].is_u64() == retry, "retryAfter: {retry}");
        ensure!(
            !committed || body["extensions"]["position"].as_str() == position.as_deref(),
            "the position"
        );
        let code = said["code"].as_str().unwrap_or_default();
        let codes = ["SERVICE_UNAVAILABLE", "INTERNAL_ERROR"];
        ensure!(
            codes.contains(&code) || committed && code == "NOT_FOUND",
            "the code"
        );
    }
    Ok(())
}

fn ensure_answered(body: &Value) -> Result<()> {
    ensure!(
        errors(body).is_empty() && !body["data"]["it"].is_null(),
        "it is answered"
    );
    Ok(())
}

/// What is asked for while the services fail so, and what must be said.
struct Sweep {
    point: Point,
    failure: Failure,
    /// Whether commands have nothing to do, so that also their own fields are read.
    unchanged: bool,
    keyed: bool,
    /// Whether every field of each mutation is asked for, or one.
    every_field: bool,
    expected: Expected,
}

impl Sweep {
    /// Every field of each mutation, changed, without a key.
    fn new(point: Point, failure: &Failure, expected: Expected) -> Self {
        Self {
            point,
            failure: failure.clone(),
            unchanged: false,
            keyed: false,
            every_field: true,
            expected,
        }
    }

    /// Gives those that were answered with errors. All are, unless only reads fail.
    async fn run(self) -> Result<Vec<Case>> {
        let stage = stage(self.point, self.failure.clone(), self.unchanged).await?;
        let mut cases = Schema::read()?.cases()?;
        if !self.every_field {
            cases = one_of_each(cases);
        }
        let all = cases.len();
        let (stage, sweep) = (&stage, &self);
        let asked = stream::iter(cases).map(|case| async move {
            let body = ask(stage, &case.document(), sweep.keyed).await?;
            check(&body, sweep.expected, sweep.keyed)
                .with_context(|| format!("{}: {}: {body}", sweep.what(), case.document()))?;
            let failed = !errors(&body).is_empty();
            anyhow::Ok(failed.then_some(case))
        });
        let failed: Vec<Option<Case>> = asked.buffer_unordered(AT_ONCE).try_collect().await?;
        let failed: Vec<Case> = failed.into_iter().flatten().collect();
        let all = match (self.expected, self.point) {
            (Answered, _) => 0,
            (_, Point::Read) => failed.len(),
            _ => all,
        };
        ensure!(
            failed.len() == all,
            "{}: {} of {all} failed",
            self.what(),
            failed.len()
        );
        Ok(failed)
    }

    fn what(&self) -> String {
        let Self {
            point,
            failure,
            unchanged,
            keyed,
            ..
        } = self;
        format!("{point:?}, {failure:?}, unchanged: {unchanged}, keyed: {keyed}")
    }
}

fn mutations(cases: &[Case]) -> BTreeSet<&str> {
    cases.iter().map(|case| case.mutation.as_str()).collect()
}

/// One field of each mutation.
fn one_of_each(mut cases: Vec<Case>) -> Vec<Case> {
    let mut seen = BTreeSet::new();
    cases.retain(|case| seen.insert(case.mutation.clone()));
    cases
}

#[tokio::test]
async fn without_a_failure_every_case_is_answered() -> Result<()> {
    let cases = Schema::read()?.cases()?;
    ensure!(
        mutations(&cases).len() >= 12 && cases.len() >= 150,
        "{} cases",
        cases.len()
    );
    for (unchanged, keyed) in [(false, false), (true, false), (false, true)] {
        let sweep = Sweep {
            unchanged,
            keyed,
            ..Sweep::new(Point::Nowhere, &Failure::Hangs, Answered)
        };
        sweep.run().await?;
    }
    Ok(())
}

/// How a call fails of which only what is said tells what it did, with what then holds without a key.
fn unanswered() -> Vec<(Failure, Expected)> {
    let says = Failure::Says;
    vec![
        (says(Status::unavailable("restarting")), Unknown),
        (says(Status::cancelled("gave up")), Unknown),
        (says(Status::unknown("what")), Unknown),
        (says(Status::internal("a fault")), Unknown),
        (says(Status::out_of_range("the reply is too long")), Unknown),
        (says(Status::resource_exhausted("busy")), Unknown),
        (says(internal("00c0ffee00c0ffee")), Unknown),
        (says(Outcome::None.unavailable("conflicts")), Nothing),
        (says(Outcome::None.deadline_exceeded("queued")), Nothing),
        (
            says(Outcome::None.mark(internal("00c0ffee00c0ffee"))),
            Nothing,
        ),
        (
            says(Reason::OutcomeNone.status("an older service")),
            Nothing,
        ),
        (says(Outcome::Unknown.unavailable("it may")), Unknown),
        (says(Outcome::Unknown.deadline_exceeded("late")), Unknown),
        (
            says(committed_at(POSITION, Status::unavailable("lost"))),
            Committed,
        ),
        (
            says(committed_at(POSITION, Status::deadline_exceeded("late"))),
            Committed,
        ),
        (
            says(committed_at(POSITION, internal("00c0ffee00c0ffee"))),
            Committed,
        ),
        (Failure::Cut(0), Unknown),
        (Failure::Cut(3), Unknown),
        (Failure::Cut(20), Unknown),
        (Failure::Endless, Unknown),
    ]
}

/// The failures of a point where a request ends the same whatever it asks for: every field is asked for with the first.
fn everywhere(more: &[(Failure, Expected)]) -> impl Iterator<Item = (bool, Failure, Expected)> {
    let all = unanswered().into_iter().chain(more.to_vec());
    all.enumerate()
        .map(|(number, (failure, expected))| (number == 0, failure, expected))
}

#[tokio::test]
async fn a_command_that_is_not_answered_has_the_outcome_that_is_known() -> Result<()> {
    let more = [
        (Failure::Away, Nothing),
        (Failure::Hangs, Unknown),
        // The reply of a command that took effect, without what it is about.
        (Failure::Empty, Committed),
    ];
    for (every_field, failure, expected) in everywhere(&more) {
        for keyed in [false, true] {
            // Under a client's key an earlier request may have taken effect.
            let expected = match expected {
                Nothing if keyed => Unknown,
                other => other,
            };
            let sweep = Sweep {
                keyed,
                every_field,
                ..Sweep::new(Point::Command, &failure, expected)
            };
            sweep.run().await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_key_that_cannot_be_claimed_leaves_the_outcome_of_earlier_requests_unknown() -> Result<()>
{
    let more = [Failure::Away, Failure::Hangs, Failure::Empty].map(|failure| (failure, Unknown));
    for (every_field, failure, _) in everywhere(&more) {
        let sweep = Sweep {
            keyed: true,
            every_field,
            ..Sweep::new(Point::Begin, &failure, Unknown)
        };
        sweep.run().await?;
    }
    // Without a key nothing is claimed.
    let gone = Failure::Says(Status::unavailable("gone"));
    Sweep::new(Point::Begin, &gone, Answered).run().await?;
    Ok(())
}

#[tokio::test]
async fn an_answer_that_is_not_kept_says_that_the_mutation_took_effect() -> Result<()> {
    let more = [Failure::Hangs, Failure::Empty].map(|failure| (failure, CommittedWithId));
    for (every_field, failure, _) in everywhere(&more) {
        let sweep = Sweep {
            keyed: true,
            every_field,
            ..Sweep::new(Point::Finish, &failure, CommittedWithId)
        };
        sweep.run().await?;
    }
    let gone = Failure::Says(Status::unavailable("gone"));
    Sweep::new(Point::Finish, &gone, Answered).run().await?;
    Ok(())
}

/// How reads fail. What a status says of an outcome is not about the mutation.
fn failed_reads() -> Vec<Failure> {
    let says = Failure::Says;
    vec![
        says(Status::unavailable("restarting")),
        says(Outcome::None.deadline_exceeded("late")),
        says(internal("00c0ffee00c0ffee")),
        says(Reason::ReadSideBehind.status("not yet")),
        says(Reason::ReadSideBuilding.status("being built")),
        says(Reason::ReadSideStalled.status("parked")),
        says(Reason::PositionAboveHead.status("not there")),
        Failure::Away,
        Failure::Hangs,
        Failure::Cut(0),
        Failure::Cut(20),
        Failure::Endless,
    ]
}

#[tokio::test]
async fn a_read_that_fails_below_a_mutation_does_not_lend_it_its_outcome() -> Result<()> {
    let cases = Schema::read()?.cases()?;
    let with_fields = cases.iter().filter(|case| case.field.ends_with('}'));
    let with_fields: BTreeSet<&str> = with_fields.map(|case| case.mutation.as_str()).collect();
    for (number, failure) in failed_reads().into_iter().enumerate() {
        let sweep = || Sweep::new(Point::Read, &failure, CommittedWithId);
        let unchanged = Sweep {
            unchanged: true,
            ..sweep()
        };
        let failed = unchanged.run().await?;
        assert_eq!(mutations(&failed), with_fields, "{failure:?}");
        if number == 0 {
            let keyed = Sweep {
                keyed: true,
                ..sweep()
            };
            assert_eq!(mutations(&keyed.run().await?), with_fields, "{failure:?}");
        }
    }
    // Rows that were deleted meanwhile.
    let gone = Sweep {
        unchanged: true,
        ..Sweep::new(Point::Read, &Failure::Empty, CommittedWithId)
    };
    let gone = gone.run().await?;
    ensure!(gone.len() >= 20, "{} cases", gone.len());
    Ok(())
}

#[tokio::test]
async fn a_mutation_that_fails_does_not_hide_that_one_before_it_took_effect() -> Result<()> {
    let each = one_of_each(Schema::read()?.cases()?);
    let unavailable = |outcome: Outcome| Failure::Says(outcome.unavailable("gone"));
    for (failure, keyed, outcome) in [
        (unavailable(Outcome::None), false, "none"),
        (unavailable(Outcome::None), true, "unknown"),
        (unavailable(Outcome::Unknown), false, "unknown"),
        (Failure::Cut(0), true, "unknown"),
    ] {
        let stage = stage(Point::SecondCommand, failure.clone(), false).await?;
        for first in &each {
            for second in &each {
                let document = format!("mutation {{ a: {} b: {} }}", first.field, second.field);
                let body = ask(&stage, &document, keyed).await?;
                let what = || format!("{failure:?}, keyed: {keyed}: {document}: {body}");
                let [error] = errors(&body) else {
                    anyhow::bail!("one error: {}", what());
                };
                assert_eq!(error["path"], json!(["b"]), "{}", what());
                assert_eq!(error["extensions"]["outcome"], outcome, "{}", what());
                // Sent again without a key, the first one would be done twice.
                let retry = error["extensions"]["retryAfter"].is_u64();
                assert_eq!(retry, keyed, "{}", what());
                let position = POSITION.to_string();
                let committed = json!([{"path": ["a"], "position": position, "id": ID}]);
                assert_eq!(body["data"], Value::Null, "{}", what());
                assert_eq!(body["extensions"]["committed"], committed, "{}", what());
                assert_eq!(body["extensions"]["position"], position, "{}", what());
            }
        }
    }
    Ok(())
}
