//! SQL runs through `sql-database`, which reads every statement to its end.
//!
//! On SQLite the driver stops at the first row when it is asked for one, and discards the error of a commit that then
//! comes while the statement is reset. After a failed commit its transactions are stuck.

use anyhow::Result;

use crate::repository::{Repository, has_extension};

/// The crates that call the driver.
const RUNS_SQLITE: [&str; 2] = ["kernel/sql-database/", "kernel/event-store-sqlite/"];
/// Its driver reads every statement to its end, and it uses no other.
const RUNS_POSTGRES: &str = "kernel/event-store-postgres/";

/// The driver's ways to run a statement.
const RUN: [&str; 4] = ["sqlx::query", "sqlx::raw_sql", "SqlitePool", "QueryBuilder"];
/// Those that do not read it to its end on SQLite, or leave a transaction stuck.
const UNFINISHED: [&str; 6] = [
    ".fetch_one(",
    ".fetch_optional(",
    ".fetch_many(",
    ".fetch(",
    ".begin_with(",
    "SqlitePool",
];

/// The lines that run SQL by another way. Tests, tools and benches may.
pub fn problems(repository: &Repository) -> Result<Vec<String>> {
    let files = repository.files(is_concerned)?;
    Ok(files
        .iter()
        .flat_map(|file| found(&file.path, &file.text))
        .collect())
}

fn is_concerned(path: &str) -> bool {
    has_extension(path, "rs")
        && path.contains("/src/")
        && !["tools/", "benches/", RUNS_POSTGRES]
            .iter()
            .any(|folder| path.starts_with(folder))
        && !path.ends_with("tests.rs")
}

fn found(path: &str, text: &str) -> Vec<String> {
    let runs = RUNS_SQLITE.iter().any(|folder| path.starts_with(folder));
    let (forbidden, advice): (&[&str], _) = if runs {
        (&UNFINISHED, "use fetch_all or execute on a Session")
    } else {
        (&RUN, "use a Statement of sql-database")
    };
    text.lines()
        .take_while(|line| line.trim() != "#[cfg(test)]")
        .enumerate()
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .filter_map(|(index, line)| {
            let way = forbidden.iter().find(|way| line.contains(**way))?;
            Some(format!("{path}:{}: {way}: {advice}", index + 1))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_that_is_not_read_to_its_end_is_found_where_sqlite_is_used() {
        for way in UNFINISHED {
            let text = format!("let row = x{way}conn).await?;\n");
            assert_eq!(
                found("kernel/event-store-sqlite/src/read.rs", &text).len(),
                1
            );
        }
        let text = "let rows = sqlx::query(SQL).fetch_all(conn).await?;\n";
        assert!(found("kernel/event-store-sqlite/src/read.rs", text).is_empty());
    }

    #[test]
    fn elsewhere_every_statement_of_the_driver_is_found() {
        let text = "sqlx::query_as(SQL).fetch_all(pool).await?;\n";
        assert_eq!(found("services/x/src/ledger.rs", text).len(), 1);
        let text = "database.fetch_optional(Statement::new(OPERATION, SQL)).await?;\n";
        assert!(found("services/x/src/ledger.rs", text).is_empty());
    }

    #[test]
    fn tests_and_comments_may_name_it() {
        assert!(is_concerned("services/x/src/ledger.rs"));
        assert!(!is_concerned("services/x/tests/ledger.rs"));
        assert!(!is_concerned("kernel/event-store-postgres/src/read.rs"));
        let text = "// sqlx::query is not used here\n#[cfg(test)]\nsqlx::query(SQL)\n";
        assert!(found("services/x/src/ledger.rs", text).is_empty());
    }
}
