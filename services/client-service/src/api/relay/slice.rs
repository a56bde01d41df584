//! The arguments that choose a part of a connection.

use contract::query::PageSlice;

use super::super::argument_errors::{ArgumentError, ArgumentErrors};
use super::cursor::ListScope;

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
    /// The part of this list, which is valid if no error is recorded; `count` is whether all of its rows are counted. The
    /// errors: neither `first` nor `last` or both, a number that is not 1 to 100, or a cursor that is not one of this list.
    pub fn of(self, list: &ListScope, count: bool, errors: &mut ArgumentErrors) -> PageSlice {
        let key = |field: &str, cursor: Option<String>| {
            cursor.map(|cursor| list.key(field, &cursor)).transpose()
        };
        errors.check(match (self.first, self.last) {
            (None, None) => {
                let rule = format!("or last must be given: 1 to {MAX_ROWS}");
                Err(ArgumentError::new("first", rule))
            }
            (rows, _) => within_bounds("first", rows),
        });
        let after = errors.check(key("after", self.after)).flatten();
        errors.check(match (self.first, self.last) {
            (Some(_), Some(_)) => {
                let rule = "must not be given together with first";
                Err(ArgumentError::new("last", rule))
            }
            (_, rows) => within_bounds("last", rows),
        });
        let before = errors.check(key("before", self.before)).flatten();
        PageSlice {
            first: self.first,
            last: self.last,
            after,
            before,
            count,
        }
    }
}

fn within_bounds(field: &str, rows: Option<i32>) -> Result<(), ArgumentError> {
    match rows {
        Some(rows) if !(1..=MAX_ROWS).contains(&rows) => {
            let rule = format!("must be 1 to {MAX_ROWS}, got {rows}");
            Err(ArgumentError::new(field, rule))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::cursor::{KeyColumns, ListScope};
    use super::{ArgumentErrors, SliceArguments};
    use graphql_http::Code;

    fn part(first: Option<i32>, last: Option<i32>) -> SliceArguments {
        SliceArguments {
            first,
            last,
            ..SliceArguments::default()
        }
    }

    /// The fields of the errors, in their order.
    fn faults(part: SliceArguments) -> Vec<String> {
        let list = ListScope::try_new("products", (), KeyColumns::Name).expect("JSON");
        let mut errors = ArgumentErrors::default();
        part.of(&list, false, &mut errors);
        let Err(error) = errors.none(()) else {
            return Vec::new();
        };
        assert_eq!(error.code, Code::ValidationError);
        let errors = error.validation_errors.into_iter();
        errors.map(|error| error.field).collect()
    }

    #[test]
    fn a_part_has_1_to_100_rows_from_one_end() {
        for rows in [1, 100] {
            assert!(faults(part(Some(rows), None)).is_empty());
            assert!(faults(part(None, Some(rows))).is_empty());
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
            assert_eq!(faults(part(first, last)), [field]);
        }
    }

    #[test]
    fn all_faults_are_recorded_in_the_order_of_the_arguments() {
        let wrong = SliceArguments {
            first: Some(0),
            after: Some("x".to_owned()),
            last: Some(1),
            before: Some("y".to_owned()),
        };
        assert_eq!(faults(wrong), ["first", "after", "last", "before"]);
    }
}
