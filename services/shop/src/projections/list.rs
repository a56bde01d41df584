//! `shop projections list`.

use clap::ArgMatches;
use contract::query::ListProjectionsRequest;
use contract::query::projection_query_client::ProjectionQueryClient;
use tonic::Request;

use super::model::Projection;
use super::rebuild::Rebuild;
use crate::remote::{CommandError, read_side};
use crate::terminal::{Output, line, table};

pub async fn run(arguments: &ArgMatches) -> Result<(), CommandError> {
    let projections = list_projections(arguments).await?;
    Output::of(arguments).write_all(&projections, text);
    Ok(())
}

/// All projections of the query-service that answers.
pub async fn list_projections(arguments: &ArgMatches) -> Result<Vec<Projection>, CommandError> {
    let list = read_side(arguments, ProjectionQueryClient::new)?
        .call(
            || Request::new(ListProjectionsRequest {}),
            async |mut client, request| client.list_projections(request).await,
        )
        .await?;
    Ok(list.projections.into_iter().map(Projection::from).collect())
}

fn text(projections: &[Projection]) -> String {
    let headings = [
        "PROJECTION",
        "SCHEMA",
        "GENERATION",
        "STATE",
        "POSITION",
        "LAG",
        "REBUILD",
        "REASON",
    ];
    let rows: Vec<_> = projections.iter().map(row).collect();
    table(headings, &rows)
}

fn row(projection: &Projection) -> [String; 8] {
    let parked = projection.parked.as_ref();
    let parked = parked.map(|event| format!("at {}: {}", event.position, event.reason));
    let why = parked.or_else(|| projection.failure.clone());
    [
        line(&projection.name),
        projection.schema_version.to_string(),
        projection.generation.to_string(),
        projection.state.to_owned(),
        projection.position.to_string(),
        projection.lag.to_string(),
        projection
            .rebuild
            .as_ref()
            .map_or_else(String::new, Rebuild::summary),
        line(&why.unwrap_or_default()),
    ]
}
