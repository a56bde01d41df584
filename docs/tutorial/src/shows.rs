//! The read model: a row for each show.

use event_sourcing::Projection;
use event_sourcing::projection::{EventContext, Handlers};
use read_model_sql::TableProjection;
use serde::{Deserialize, Serialize};

use crate::show::{Show, ShowEvent};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShowRow {
    pub id: String,
    pub title: String,
    pub free: i64,
}

pub struct Shows;

impl Projection for Shows {
    const NAME: &'static str = "shows";
    const SCHEMA_VERSION: u32 = 1;
    type Row = ShowRow;

    fn handlers(on: &mut Handlers<Self>) {
        on.aggregate::<Show>(fold);
    }
}

impl TableProjection for Shows {
    const DDL: &'static str = "CREATE TABLE {table} \
        (id {text} PRIMARY KEY, title text NOT NULL, free bigint NOT NULL);";

    fn key(row: &ShowRow) -> &str {
        &row.id
    }
}

/// The row after an event, from the row before it, if there was one.
fn fold(row: Option<ShowRow>, event: &ShowEvent, context: EventContext<'_>) -> Option<ShowRow> {
    let free = row.as_ref().map_or(0, |row| row.free);
    match event {
        ShowEvent::Planned(planned) => Some(ShowRow {
            id: context.key.to_owned(),
            title: planned.title.clone(),
            free: planned.seats.into(),
        }),
        ShowEvent::Reserved(seats) => row.map(|row| ShowRow {
            free: free - i64::from(seats.count),
            ..row
        }),
        ShowEvent::Released(seats) => row.map(|row| ShowRow {
            free: free + i64::from(seats.count),
            ..row
        }),
    }
}

#[cfg(test)]
mod tests {
    use event_sourcing::testing::given_log;

    use super::*;
    use crate::show::{Planned, Seats};

    #[test]
    fn a_row_has_the_free_seats() {
        let title = "Hamlet".to_owned();
        let planned = ShowEvent::Planned(Planned { title, seats: 3 });
        let row = ShowRow {
            id: "hamlet".to_owned(),
            title: "Hamlet".to_owned(),
            free: 1,
        };
        given_log()
            .with::<Show>("hamlet", &planned)
            .with::<Show>("hamlet", &ShowEvent::Reserved(Seats { count: 2 }))
            .when_projected::<Shows>()
            .then([("hamlet", row)]);
    }
}
