//! The reported outcome of a mutation is true: for every mutation, with every field of its result, while each service fails
//! at each point. The cases are generated from the schema, and the replies from the gRPC contract, so that new mutations,
//! fields and methods are included automatically.

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
use self::services::{Failure, Point, gateway};
use crate::test_gateway::{TestGateway, graphql};

/// The id of all entities in the replies.
const ID: &str = "it";
/// The position at which every command takes effect.
const POSITION: u64 = 7;
/// The number of concurrent requests.
const AT_ONCE: usize = 64;

/// The outcome that all errors of a response must report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Answered,
    Nothing,
    Unknown,
    /// It took effect; the entity's id is unknown.
    Committed,
    CommittedWithId,
}

use Expected::{Answered, Committed, CommittedWithId, Nothing, Unknown};

async fn ask(gateway: &TestGateway, document: &str, keyed: bool) -> Result<Value> {
    let mut request = graphql(document, &json!({}));
    if keyed {
        request = request.with_header("idempotency-key", "k");
    }
    gateway.send(&request).await?.json()
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
        let extensions = &error["extensions"];
        ensure!(extensions["outcome"] == outcome, "the outcome is {outcome}");
        let committed = outcome == "committed";
        let position = committed.then(|| POSITION.to_string());
        ensure!(
            extensions["position"].as_str() == position.as_deref(),
            "the error's position"
        );
        // The error of a field has a location in the document.
        ensure!(
            error["path"].is_null() || error["locations"][0]["line"].is_u64(),
            "the error's place"
        );
        let id = (expected == CommittedWithId).then_some(ID);
        ensure!(extensions["id"].as_str() == id, "the error's id");
        let retry = outcome == "none" || outcome == "unknown" && keyed;
        ensure!(
            extensions["retryAfter"].is_u64() == retry,
            "retryAfter: {retry}"
        );
        ensure!(
            !committed || body["extensions"]["position"].as_str() == position.as_deref(),
            "the position"
        );
        let code = extensions["code"].as_str().unwrap_or_default();
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
        "there is data and no error"
    );
    Ok(())
}

/// A failure of the services, the requests sent meanwhile, and the expected outcome.
struct Sweep {
    point: Point,
    failure: Failure,
    /// Whether commands change nothing, so that their own fields are read too.
    unchanged: bool,
    keyed: bool,
    /// Whether every field of each mutation is requested, or only one.
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

    /// Returns the cases that had errors: all, unless only reads fail.
    async fn run(self) -> Result<Vec<Case>> {
        let gateway = gateway(self.point, self.failure.clone(), self.unchanged).await?;
        let mut cases = Schema::read()?.cases()?;
        if !self.every_field {
            cases = one_of_each(cases);
        }
        let all = cases.len();
        let (gateway, sweep) = (&gateway, &self);
        let asked = stream::iter(cases).map(|case| async move {
            let body = ask(gateway, &case.document(), sweep.keyed).await?;
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
async fn without_a_failure_every_case_succeeds() -> Result<()> {
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

/// Failures of a call whose effect is known only from the status, with the expected outcome without a key.
fn unanswered() -> Vec<(Failure, Expected)> {
    let with = Failure::Status;
    vec![
        (with(Status::unavailable("restarting")), Unknown),
        (with(Status::cancelled("gave up")), Unknown),
        (with(Status::unknown("what")), Unknown),
        (with(Status::internal("a fault")), Unknown),
        (with(Status::out_of_range("the reply is too long")), Unknown),
        (with(Status::resource_exhausted("busy")), Unknown),
        (with(internal("00c0ffee00c0ffee")), Unknown),
        (with(Outcome::None.unavailable("conflicts")), Nothing),
        (with(Outcome::None.deadline_exceeded("queued")), Nothing),
        (
            with(Outcome::None.mark(internal("00c0ffee00c0ffee"))),
            Nothing,
        ),
        (
            with(Reason::OutcomeNone.status("an older service")),
            Nothing,
        ),
        (with(Outcome::Unknown.unavailable("it may")), Unknown),
        (with(Outcome::Unknown.deadline_exceeded("late")), Unknown),
        (
            with(committed_at(POSITION, Status::unavailable("lost"))),
            Committed,
        ),
        (
            with(committed_at(POSITION, Status::deadline_exceeded("late"))),
            Committed,
        ),
        (
            with(committed_at(POSITION, internal("00c0ffee00c0ffee"))),
            Committed,
        ),
        (Failure::Cut(0), Unknown),
        (Failure::Cut(3), Unknown),
        (Failure::Cut(20), Unknown),
        (Failure::Endless, Unknown),
    ]
}

/// The failures at a point where the selected fields do not matter: only the first is tested with every field.
fn everywhere(more: &[(Failure, Expected)]) -> impl Iterator<Item = (bool, Failure, Expected)> {
    let all = unanswered().into_iter().chain(more.to_vec());
    all.enumerate()
        .map(|(number, (failure, expected))| (number == 0, failure, expected))
}

#[tokio::test]
async fn a_failed_command_has_the_outcome_that_is_known() -> Result<()> {
    let more = [
        (Failure::Away, Nothing),
        (Failure::Hangs, Unknown),
        // The reply of a command that took effect, without its entity.
        (Failure::Empty, Committed),
    ];
    for (every_field, failure, expected) in everywhere(&more) {
        for keyed in [false, true] {
            // With an Idempotency-Key an earlier request may have taken effect.
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
    let lost = Failure::Status(Status::unavailable("connection lost"));
    Sweep::new(Point::Begin, &lost, Answered).run().await?;
    Ok(())
}

#[tokio::test]
async fn a_response_that_is_not_stored_reports_that_the_mutation_took_effect() -> Result<()> {
    let more = [Failure::Hangs, Failure::Empty].map(|failure| (failure, CommittedWithId));
    for (every_field, failure, _) in everywhere(&more) {
        let sweep = Sweep {
            keyed: true,
            every_field,
            ..Sweep::new(Point::Finish, &failure, CommittedWithId)
        };
        sweep.run().await?;
    }
    let lost = Failure::Status(Status::unavailable("connection lost"));
    Sweep::new(Point::Finish, &lost, Answered).run().await?;
    Ok(())
}

/// Failures of reads. An outcome in their status is not that of the mutation.
fn failed_reads() -> Vec<Failure> {
    let with = Failure::Status;
    vec![
        with(Status::unavailable("restarting")),
        with(Outcome::None.deadline_exceeded("late")),
        with(internal("00c0ffee00c0ffee")),
        with(Reason::ReadSideBehind.status("not yet")),
        with(Reason::ReadSideBuilding.status("being built")),
        with(Reason::ReadSideStalled.status("parked")),
        with(Reason::PositionAboveHead.status("not there")),
        Failure::Away,
        Failure::Hangs,
        Failure::Cut(0),
        Failure::Cut(20),
        Failure::Endless,
    ]
}

#[tokio::test]
async fn a_read_that_fails_below_a_mutation_does_not_change_its_outcome() -> Result<()> {
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
    // Rows that were deleted concurrently.
    let deleted = Sweep {
        unchanged: true,
        ..Sweep::new(Point::Read, &Failure::Empty, CommittedWithId)
    };
    let deleted = deleted.run().await?;
    ensure!(deleted.len() >= 20, "{} cases", deleted.len());
    Ok(())
}

#[tokio::test]
async fn a_failed_mutation_does_not_hide_the_effect_of_an_earlier_one() -> Result<()> {
    let each = one_of_each(Schema::read()?.cases()?);
    let unavailable = |outcome: Outcome| Failure::Status(outcome.unavailable("connection lost"));
    for (failure, keyed, outcome) in [
        (unavailable(Outcome::None), false, "none"),
        (unavailable(Outcome::None), true, "unknown"),
        (unavailable(Outcome::Unknown), false, "unknown"),
        (Failure::Cut(0), true, "unknown"),
    ] {
        let gateway = gateway(Point::SecondCommand, failure.clone(), false).await?;
        for first in &each {
            for second in &each {
                let document = format!("mutation {{ a: {} b: {} }}", first.field, second.field);
                let body = ask(&gateway, &document, keyed).await?;
                let what = || format!("{failure:?}, keyed: {keyed}: {document}: {body}");
                let [error] = errors(&body) else {
                    anyhow::bail!("one error: {}", what());
                };
                assert_eq!(error["path"], json!(["b"]), "{}", what());
                assert_eq!(error["extensions"]["outcome"], outcome, "{}", what());
                // Repeated without a key, the first mutation would be executed twice.
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
