//! The arguments that choose a part of a connection.

use contract::query::PageSlice;

use super::cursor::ListScope;
use graphql_http::ApiError;

/// The maximum of `first` and `last`.
const MAX_ROWS: i32 = 100;

/// The arguments as given.
#[derive(Debug, Default)]
pub struct SliceArguments {
    pub first: Option<i32>,
    pub after: Option<String>,
    pub last: Option<i32>,
    pub before: Option<String>,
}

impl SliceArguments {
    /// The part of this list; `count` is whether all of its rows are counted.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` with the argument: neither `first` nor `last` or both, a number that is not 1 to 100, or a
    /// cursor that is not one of this list.
    pub fn of(self, list: &ListScope, count: bool) -> Result<PageSlice, ApiError> {
        match (self.first, self.last) {
            (None, None) => {
                let rule = format!("or last must be given: 1 to {MAX_ROWS}");
                return Err(ApiError::invalid("first", rule));
            }
            (Some(_), Some(_)) => {
                let rule = "must not be given together with first";
                return Err(ApiError::invalid("last", rule));
            }
            (Some(rows), None) => within_bounds("first", rows)?,
            (None, Some(rows)) => within_bounds("last", rows)?,
        }
        let key = |field: &str, cursor: Option<String>| {
            cursor.map(|cursor| list.key(field, &cursor)).transpose()
        };
        Ok(PageSlice {
            first: self.first,
            last: self.last,
            after: key("after", self.after)?,
            before: key("before", self.before)?,
            count,
        })
    }
}

fn within_bounds(field: &str, rows: i32) -> Result<(), ApiError> {
    if (1..=MAX_ROWS).contains(&rows) {
        return Ok(());
    }
    let rule = format!("must be 1 to {MAX_ROWS}, got {rows}");
    Err(ApiError::invalid(field, rule))
}

#[cfg(test)]
mod tests {
    use super::super::cursor::{KeyColumns, ListScope};
    use super::SliceArguments;
    use graphql_http::Code;

    fn part(first: Option<i32>, last: Option<i32>) -> SliceArguments {
        SliceArguments {
            first,
            last,
            ..SliceArguments::default()
        }
    }

    #[test]
    fn a_part_has_1_to_100_rows_from_one_end() {
        let list = ListScope::try_new("products", (), KeyColumns::Name).expect("JSON");
        for rows in [1, 100] {
            assert!(part(Some(rows), None).of(&list, false).is_ok());
            assert!(part(None, Some(rows)).of(&list, true).is_ok());
        }
        for (first, last, field) in [
            (None, None, "first"),
            (Some(1), Some(1), "last"),
            (Some(0), None, "first"),
            (Some(-1), None, "first"),
            (Some(101), None, "first"),
            (Some(i32::MAX), None, "first"),
            (None, Some(0), "last"),
            (None, Some(i32::MIN), "last"),
            (None, Some(101), "last"),
        ] {
            let error = part(first, last).of(&list, false).expect_err("invalid");
            assert_eq!(error.code, Code::ValidationError);
            assert_eq!(error.field.as_deref(), Some(field));
        }
    }
}
