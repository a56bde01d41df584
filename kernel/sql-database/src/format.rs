//! The format of what the databases hold.
//!
//! Steps of a schema bring an older database up to date. What has no step, such as another way to compute a stored key,
//! raises the format instead: a database of an older one is refused, by its name, and nothing in it is touched. The
//! numbers of the steps carry the format, so that an older build refuses a newer database too.

/// The format of this build. 1: names are compared by full case folding. 2: the first event of a commit names the
/// operation that wrote it. 3: event handlers have tables of their own. 4: the stored fields of sagas and of the simulated
/// providers have the names of `docs/glossary.md`.
pub const FORMAT: i64 = 4;

/// More than a format has steps.
const STEPS: i64 = 1_000;

/// The number of a schema's step in this format.
#[must_use]
pub const fn step(number: i64) -> i64 {
    FORMAT * STEPS + number
}

/// A database that an older build made, and for which there is no migration.
#[derive(Debug, thiserror::Error)]
#[error(
    "the {what} {name} was made by an older build: it has format {found}, this build needs format {FORMAT}, and there is no \
     migration between them; move it away or name another one, as with the other databases of the shop"
)]
pub struct OlderFormat {
    what: &'static str,
    name: String,
    found: i64,
}

impl OlderFormat {
    /// Refuses `what`, which is named `name`, if one of the steps that it has is of an older format.
    ///
    /// # Errors
    /// It is.
    pub fn refuse(
        what: &'static str,
        name: impl Into<String>,
        steps: impl IntoIterator<Item = i64>,
    ) -> Result<(), Self> {
        let oldest = steps.into_iter().map(|step| step / STEPS).min();
        match oldest {
            Some(found) if found < FORMAT => Err(Self {
                what,
                name: name.into(),
                found,
            }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{FORMAT, OlderFormat, step};

    #[test]
    fn an_older_format_is_refused_by_name_and_no_other() {
        for steps in [
            vec![],
            vec![step(1), step(2)],
            vec![step(1), step(1) + 5_000],
        ] {
            OlderFormat::refuse("log", "a.db", steps).expect("served");
        }
        let refused = OlderFormat::refuse("log", "a.db", [1, 5]).expect_err("older");
        let message = refused.to_string();
        let needed = format!("needs format {FORMAT}");
        for part in [
            "the log a.db",
            "has format 0",
            needed.as_str(),
            "move it away",
        ] {
            assert!(message.contains(part), "{message}");
        }
    }
}
