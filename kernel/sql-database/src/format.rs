//! The format of stored data.
//!
//! Migrations update an older schema. A change without a migration, such as a different computation of a stored key,
//! raises the format instead: a database of an older format is rejected, and nothing in it is changed. The versions of
//! the migrations contain the format, so that an older build also rejects a newer database.

/// The format of this build. 1: names are compared by full case folding. 2: the first event of a commit names the
/// operation that wrote it. 3: event handlers have tables of their own. 4: the stored fields of sagas and of the simulated
/// providers have the names of `docs/glossary.md`.
pub const FORMAT: i64 = 4;

/// More than the number of migrations of any format.
const STEPS: i64 = 1_000;

/// The version of the migration with this number in the current format.
#[must_use]
pub const fn step(number: i64) -> i64 {
    FORMAT * STEPS + number
}

/// A database was created by an older build, and there is no migration from its format.
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
    /// Rejects the database `name`, described by `what`, if one of the migrations that it has is of an older format.
    ///
    /// # Errors
    /// [`OlderFormat`] if one is.
    pub fn check(
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
    fn only_an_older_format_is_rejected() {
        for steps in [
            vec![],
            vec![step(1), step(2)],
            vec![step(1), step(1) + 5_000],
        ] {
            OlderFormat::check("log", "a.db", steps).expect("supported");
        }
        let rejected = OlderFormat::check("log", "a.db", [1, 5]).expect_err("older");
        let message = rejected.to_string();
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
