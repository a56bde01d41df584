//! `shop saga list`.

use chrono::{DateTime, TimeDelta, Utc};
use clap::ArgMatches;
use contract::proto::ListSagasParam;
use contract::proto::saga_command_client::SagaCommandClient;
use contract::query::SagaListRequest;
use contract::query::saga_query_client::SagaQueryClient;
use event_sourcing::{Clock, SystemClock};
use sagas::SagaStatus;
use tonic::Request;

use super::model::{Saga, number};
use crate::remote::{CommandError, read_side, reject_error, write_side};
use crate::terminal::{Output, line, span, table};

/// The services' maximum page.
const MAX_PAGE: i32 = 500;

/// The sagas to list, from the arguments.
struct SagaFilter {
    states: Vec<SagaStatus>,
    saga_type: Option<String>,
    step: Option<String>,
    age: Option<TimeDelta>,
    limit: i32,
}

/// The sagas found, and whether there are more.
pub struct SagaList {
    pub sagas: Vec<Saga>,
    pub more: bool,
}

pub async fn run(arguments: &ArgMatches) -> Result<(), CommandError> {
    // The write side knows open sagas only; the read side has all of them, but lags behind and has no tries.
    let wanted = SagaFilter::read(arguments);
    let now = SystemClock.now();
    let found = if wanted.states.iter().any(|state| state.is_end()) {
        from_read_side(arguments, &wanted, now).await?
    } else {
        from_write_side(arguments, &wanted).await?
    };
    Output::of(arguments).write_all(&found.sagas, |_| text(&wanted, &found, now));
    Ok(())
}

/// The open sagas of the write side that have one of `states`, or any, and are older than `age`; as many as one list has at most.
pub async fn list_open(
    arguments: &ArgMatches,
    states: &[SagaStatus],
    age: Option<TimeDelta>,
) -> Result<SagaList, CommandError> {
    let wanted = SagaFilter {
        states: states.to_vec(),
        saga_type: None,
        step: None,
        age,
        limit: MAX_PAGE,
    };
    from_write_side(arguments, &wanted).await
}

impl SagaFilter {
    fn read(arguments: &ArgMatches) -> Self {
        let names: Vec<&String> = arguments.get_many("state").into_iter().flatten().collect();
        let states = SagaStatus::ALL.into_iter();
        Self {
            states: states
                .filter(|state| names.iter().any(|name| *name == state.as_str()))
                .collect(),
            saga_type: arguments.get_one("type").cloned(),
            step: arguments.get_one("step").cloned(),
            age: arguments.get_one("older-than").copied(),
            limit: arguments.get_one("limit").copied().unwrap_or(100),
        }
    }

    fn is_everything_open(&self) -> bool {
        let Self {
            states,
            saga_type,
            step,
            age,
            limit: _,
        } = self;
        states.is_empty() && saga_type.is_none() && step.is_none() && age.is_none()
    }

    fn numbers(&self) -> Vec<i32> {
        self.states.iter().copied().map(number).collect()
    }
}

/// Open sagas, from the write side, page by page.
async fn from_write_side(
    arguments: &ArgMatches,
    wanted: &SagaFilter,
) -> Result<SagaList, CommandError> {
    let service = write_side(arguments, SagaCommandClient::new)?;
    let limit = usize::try_from(wanted.limit).unwrap_or(usize::MAX);
    let (mut sagas, mut after) = (Vec::new(), String::new());
    loop {
        let rest = i32::try_from(limit - sagas.len()).unwrap_or(i32::MAX);
        let param = || {
            Request::new(ListSagasParam {
                statuses: wanted.numbers(),
                r#type: wanted.saga_type.clone(),
                step: wanted.step.clone(),
                min_age_ms: wanted.age.map(|age| age.num_milliseconds()),
                limit: rest,
                after: after.clone(),
            })
        };
        let page = service
            .call(param, async |mut client, request| {
                client.list_sagas(request).await
            })
            .await?;
        reject_error(page.error)?;
        sagas.extend(page.sagas.into_iter().map(Saga::from));
        let more = !page.next.is_empty();
        if !more || sagas.len() >= limit {
            return Ok(SagaList { sagas, more });
        }
        after = page.next;
    }
}

/// Sagas in any state, from the read side. One more than the limit is requested, to learn whether there are more.
async fn from_read_side(
    arguments: &ArgMatches,
    wanted: &SagaFilter,
    now: DateTime<Utc>,
) -> Result<SagaList, CommandError> {
    let request = || {
        let until = wanted.age.map(|age| (now - age).timestamp_micros());
        Request::new(SagaListRequest {
            statuses: wanted.numbers(),
            r#type: wanted.saga_type.clone(),
            step: wanted.step.clone(),
            started_until_micros: until,
            limit: one_more(wanted.limit),
            offset: 0,
        })
    };
    let list = read_side(arguments, SagaQueryClient::new)?
        .call(request, async |mut client, request| {
            client.list_sagas(request).await
        })
        .await?;
    let mut sagas: Vec<Saga> = list.sagas.into_iter().map(Saga::from).collect();
    let limit = usize::try_from(wanted.limit).unwrap_or(usize::MAX);
    let more = sagas.len() > limit || list.truncated;
    sagas.truncate(limit);
    Ok(SagaList { sagas, more })
}

/// The limit to request from the read side: one more than will be shown. At the largest page the read side itself reports
/// whether it truncated the list, but only for a request without a limit.
fn one_more(limit: i32) -> Option<i32> {
    Some(limit + 1).filter(|limit| *limit <= MAX_PAGE)
}

fn text(wanted: &SagaFilter, found: &SagaList, now: DateTime<Utc>) -> String {
    let open = if wanted.states.is_empty() {
        "open "
    } else {
        ""
    };
    if found.sagas.is_empty() {
        return if wanted.is_everything_open() {
            "No saga is open.".to_owned()
        } else {
            format!("No {open}saga matches.")
        };
    }
    let headings = [
        "SAGA", "TYPE", "STATE", "STEP", "TRY", "AGE", "ORDER", "REASON",
    ];
    let rows: Vec<_> = found.sagas.iter().map(|saga| row(saga, now)).collect();
    let (count, s) = match found.sagas.len() {
        1 => (1, ""),
        count => (count, "s"),
    };
    let more = if found.more {
        ", and there are more: see --limit"
    } else {
        ""
    };
    format!("{}\n\n{count} {open}saga{s}{more}.", table(headings, &rows))
}

fn row(saga: &Saga, now: DateTime<Utc>) -> [String; 8] {
    let tries = saga.progress.as_ref().map(|progress| progress.attempts);
    let tries = tries.filter(|tries| *tries > 0);
    [
        line(&saga.id),
        line(&saga.kind),
        saga.state_text(),
        line(saga.current_step.as_deref().unwrap_or_default()),
        tries.map(|tries| tries.to_string()).unwrap_or_default(),
        span(now - saga.started_at),
        line(&saga.order_id),
        line(saga.failure_reason.as_deref().unwrap_or_default()),
    ]
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};

    use sagas::SagaStatus;

    use super::{Saga, one_more, row};
    use crate::saga::model::{SagaProgress, State};

    #[test]
    fn the_age_of_an_ended_saga_still_grows() {
        let started_at = DateTime::<Utc>::UNIX_EPOCH;
        let saga = Saga {
            completed_at: Some(started_at + TimeDelta::seconds(1)),
            ..saga()
        };
        let row = row(&saga, started_at + TimeDelta::minutes(5));
        assert_eq!(row[5], "5 m 0 s");
    }

    #[test]
    fn a_saga_whose_definition_the_service_lacks_has_a_state_of_its_own_until_it_ends() {
        let progress = SagaProgress {
            attempts: 0,
            retry_at: None,
            deadline: None,
            definition: 2,
            supported_definitions: vec![1],
            version: 1,
        };
        let mut saga = Saga {
            state: State::Known(SagaStatus::Suspended),
            progress: Some(progress),
            ..saga()
        };
        let state = |saga: &Saga| row(saga, saga.started_at)[2].clone();
        assert_eq!(state(&saga), "unsupported definition version 2");
        saga.state = State::Known(SagaStatus::Completed);
        saga.completed_at = Some(saga.started_at);
        assert_eq!(state(&saga), "completed");
    }

    fn saga() -> Saga {
        let started_at = DateTime::<Utc>::UNIX_EPOCH;
        Saga {
            id: "s".to_owned(),
            kind: "order".to_owned(),
            order_id: "o".to_owned(),
            state: State::Unknown,
            current_step: None,
            completed_steps: Vec::new(),
            compensated_steps: Vec::new(),
            failure_reason: None,
            started_at,
            completed_at: None,
            updated_at: started_at,
            progress: None,
        }
    }

    #[test]
    fn one_more_is_requested_except_for_the_largest_page() {
        assert_eq!(one_more(1), Some(2));
        assert_eq!(one_more(499), Some(500));
        assert_eq!(one_more(500), None);
    }
}
