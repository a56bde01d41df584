//! Sends the cases of an entry point, and compares each answer with the table.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use futures::{StreamExt, stream};
use tokio::time::timeout;

use super::table::{Answer, Case, EntryPoint};
use super::text::Names;
use crate::support::Shop;

/// No answer takes this long, whatever the input.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);
/// Where an input belongs in a request.
const PLACE: &[u8] = b"<input>";
const AT_ONCE: usize = 4;

/// The bytes of a case's request.
fn request_of(case: &Case, names: &Names) -> Result<Vec<u8>> {
    let template = names.fill(&case.request)?;
    let input = names.fill(&case.input)?;
    let mut request = Vec::new();
    let mut rest = &template[..];
    while let Some(place) = rest.windows(PLACE.len()).position(|part| part == PLACE) {
        request.extend(&rest[..place]);
        request.extend(&input);
        rest = &rest[place + PLACE.len()..];
    }
    request.extend(rest);
    Ok(request)
}

/// A shop whose events are counted.
#[derive(Debug)]
pub struct Target<'a> {
    shop: &'a Shop,
    /// The signature of a call, if calls need one.
    signature: Option<String>,
}

impl<'a> From<&'a Shop> for Target<'a> {
    fn from(shop: &'a Shop) -> Self {
        Self {
            shop,
            signature: None,
        }
    }
}

impl<'a> Target<'a> {
    pub fn signed(shop: &'a Shop, signature: String) -> Self {
        let signature = Some(signature);
        Self { shop, signature }
    }

    async fn head(&self) -> Result<i64> {
        match &self.signature {
            Some(signature) => self.shop.head_for(signature).await,
            None => self.shop.head().await,
        }
    }
}

/// Sends all that must be rejected, checks that no event was written, and sends what must be accepted.
pub async fn check_shop(
    entry: &EntryPoint,
    names: &Names,
    target: Target<'_>,
    send: impl AsyncFn(Vec<u8>) -> Result<Answer>,
) -> Result<()> {
    let cases = entry.cases()?;
    let (rejected, accepted): (Vec<_>, Vec<_>) =
        cases.into_iter().partition(|case| case.rejected.is_some());
    let head = target.head().await?;
    check(&rejected, names, &send).await?;
    ensure!(target.head().await? == head, "bad input wrote an event");
    check(&accepted, names, &send).await?;
    let logs = target.shop.system.logs();
    let is_failure = |line: &&str| line.contains("\"ERROR\"") || line.contains("panicked");
    let failures: Vec<_> = logs.lines().filter(is_failure).collect();
    ensure!(failures.is_empty(), "logged:\n{}", failures.join("\n"));
    Ok(())
}

/// Sends all cases, and fails with a list of the other answers.
pub async fn check(
    cases: &[Case],
    names: &Names,
    send: &impl AsyncFn(Vec<u8>) -> Result<Answer>,
) -> Result<()> {
    let answers = stream::iter(cases).map(async |case| {
        let sending = async { send(request_of(case, names)?).await };
        let answer = timeout(ANSWER_TIMEOUT, sending).await;
        let answer = answer.unwrap_or_else(|_| bail!("none in time"));
        answer.unwrap_or_else(|error| Answer::new("no answer", format!("{error:#}")))
    });
    let answers: Vec<_> = answers.buffered(AT_ONCE).collect().await;
    let mut wrong = Vec::new();
    for (case, answer) in cases.iter().zip(answers) {
        let given = format!("{}, {}: {:.200}", case.about, case.class, case.input);
        if let Some(difference) = difference(case, names, &answer)? {
            wrong.push(format!("{given}\n{difference}"));
        }
    }
    let (some, all) = (wrong.len(), cases.len());
    ensure!(some == 0, "{some} of {all} cases:\n{}", wrong.join("\n"));
    Ok(())
}

fn difference(case: &Case, names: &Names, answer: &Answer) -> Result<Option<String>> {
    let mut text = String::new();
    if let Some(expected) = &case.rejected {
        let (status, message) = (&expected.status, names.text(&expected.message)?);
        if (status, &message) == (&answer.status, &answer.message) {
            return Ok(None);
        }
        writeln!(text, "  expected {status}: {message}")?;
    } else if answer.is_success() {
        return Ok(None);
    } else {
        writeln!(text, "  expected that it is accepted")?;
    }
    write!(text, "  got      {}: {}", answer.status, answer.message)?;
    Ok(Some(text))
}
