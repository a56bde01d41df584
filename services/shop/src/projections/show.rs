//! `shop projections show`.

use clap::ArgMatches;
use contract::query::ShowProjectionRequest;
use contract::query::projection_query_client::ProjectionQueryClient;
use serde::Serialize;
use tonic::{Code, Request};

use super::model::{Decision, ParkedEvent, Projection};
use crate::remote::{CommandError, read_side};
use crate::terminal::{Output, fields, line, stamp};

/// A projection with the decisions about it.
#[derive(Debug, Serialize)]
pub(super) struct ProjectionDetails {
    #[serde(flatten)]
    pub(super) projection: Projection,
    decisions: Vec<Decision>,
}

pub async fn run(arguments: &ArgMatches) -> Result<(), CommandError> {
    let shown = read(arguments).await?;
    Output::of(arguments).write(&shown, text);
    Ok(())
}

/// Reads the projection that the arguments name from the read side.
pub(super) async fn read(arguments: &ArgMatches) -> Result<ProjectionDetails, CommandError> {
    let name = arguments.get_one::<String>("name").cloned();
    let name = name.unwrap_or_default();
    let shown = read_side(arguments, ProjectionQueryClient::new)?
        .call(
            || Request::new(ShowProjectionRequest { name: name.clone() }),
            async |mut client, request| client.show_projection(request).await,
        )
        .await
        .map_err(|error| unknown(error, &name))?;
    Ok(ProjectionDetails {
        projection: shown.projection.unwrap_or_default().into(),
        decisions: shown.decisions.into_iter().map(Decision::from).collect(),
    })
}

fn unknown(error: CommandError, name: &str) -> CommandError {
    match error {
        CommandError::Status {
            code: Code::NotFound,
            ..
        } => CommandError::Rejected {
            message: format!(
                "there is no projection {}; see shop projections list",
                line(name)
            ),
            error_type: "NOT_FOUND".to_owned(),
        },
        other => other,
    }
}

fn text(shown: &ProjectionDetails) -> String {
    let ProjectionDetails {
        projection,
        decisions,
    } = shown;
    let mut all = vec![
        ("Projection", projection.name.clone()),
        ("Schema version", projection.schema_version.to_string()),
        (
            "Table",
            format!("{}_g{}", projection.name, projection.generation),
        ),
        ("State", projection.state.to_owned()),
        (
            "Position",
            format!(
                "{} of {}, lags behind by {}",
                projection.position, projection.head, projection.lag
            ),
        ),
    ];
    if let Some(rebuild) = &projection.rebuild {
        all.push(("Rebuild", rebuild.summary()));
    }
    if let Some(failure) = &projection.failure {
        all.push(("Why", failure.clone()));
    }
    if let Some(event) = &projection.parked {
        all.extend(parked(event));
    }
    let decisions: String = decisions.iter().map(report).collect();
    let advice = match (&projection.parked, projection.state) {
        (_, "paused") => Some(format!(
            "Its rows stay as they are until it is resumed: shop projections resume {} --reason REASON",
            line(&projection.name)
        )),
        (Some(event), _) => Some(advice_on(&projection.name, event)),
        (None, _) => None,
    };
    let parts = [fields(&all), decisions, advice.unwrap_or_default()];
    let parts = parts.iter().map(|part| part.trim_end());
    let parts: Vec<_> = parts.filter(|part| !part.is_empty()).collect();
    parts.join("\n\n")
}

fn parked(event: &ParkedEvent) -> Vec<(&'static str, String)> {
    let schema = event.schema_version;
    let schema = schema.map_or_else(String::new, |schema| format!(", schema version {schema}"));
    let mut lines = vec![
        ("Parked at", event.position.to_string()),
        ("Why", event.reason.clone()),
        ("Event", format!("{}{schema}", event.event_type)),
        (
            "Stream",
            format!(
                "{}/{}, version {}",
                event.stream_type, event.stream_id, event.version
            ),
        ),
    ];
    if let Some(at) = event.recorded_at {
        lines.push(("Recorded", stamp(at)));
    }
    lines
}

fn report(decision: &Decision) -> String {
    let what = match (decision.action, decision.skipped_position) {
        (_, Some(position)) => format!("event {position} skipped"),
        ("pause", None) => "paused".to_owned(),
        (_, None) => "resumed".to_owned(),
    };
    let (at, who, reason) = (
        stamp(decision.at),
        line(&decision.who),
        line(&decision.reason),
    );
    format!("{at}  {what} by {who}: {reason}\n")
}

fn advice_on(name: &str, event: &ParkedEvent) -> String {
    let (name, position) = (line(name), event.position);
    format!(
        "\
It is parked at event {position} until it can read or skip it.
  A newer binary wrote it:   upgrade the query-service, which retries at its start
  The cause is fixed:        shop projections resume {name} --reason REASON
  The event is not needed:   shop projections skip {name} {position} --reason REASON"
    )
}
