//! `docs/reference/error-codes.md`: the codes, reasons and outcomes of errors, as the code has them.

mod enumeration;

use std::fmt::Write;
use std::{env, fs};

use anyhow::{Context, Result};

use self::enumeration::Enumeration;
use crate::repository::Repository;

const PAGE: &str = "docs/reference/error-codes.md";
const HEAD: &str = "\
# Error codes

Made from the code by `UPDATE_GOLDEN=1 cargo xtask check error-codes`, which also compares the two.
[Errors](../api/errors.md) says what a client does about them, [outcomes](../outcomes.md) what is known of a mutation that failed.

A program exits with 0 when it has done what it was asked for or was stopped cleanly, 1 when it failed, and 2 when a setting or a flag is
invalid.
";

/// A table of the page.
struct Table {
    file: &'static str,
    /// The name of the enumeration.
    name: &'static str,
    heading: &'static str,
    introduction: &'static str,
    /// The function of the enumeration that gives the name of a value, and what the name is called.
    named_by: (&'static str, &'static str),
    /// A further function, and what it gives.
    further: Option<(&'static str, &'static str)>,
}

const TABLES: [Table; 5] = [
    Table {
        file: "platform/graphql-http/src/errors/code.rs",
        name: "Code",
        heading: "GraphQL",
        introduction: "`extensions.code` of an error. The status is that of a request that was not executed; without one it is 200, or 400 for a \
                       client that accepts `application/graphql-response+json`.",
        named_by: ("name", "code"),
        further: Some(("status", "HTTP status")),
    },
    Table {
        file: "contract/src/business.rs",
        name: "ErrorType",
        heading: "gRPC: business errors",
        introduction: "`error.type` of a reply whose status is OK, and `error.code`.",
        named_by: ("name", "type"),
        further: Some(("code", "code")),
    },
    Table {
        file: "platform/grpc-calls/src/status.rs",
        name: "Reason",
        heading: "gRPC: reasons",
        introduction: "The metadata `x-reason` of a status. A status without one is what its code says.",
        named_by: ("name", "reason"),
        further: Some(("code", "status")),
    },
    Table {
        file: "platform/grpc-calls/src/status.rs",
        name: "Outcome",
        heading: "Outcomes",
        introduction: "`extensions.outcome` in GraphQL, and the metadata `x-outcome` of a gRPC status.",
        named_by: ("name", "outcome"),
        further: None,
    },
    Table {
        file: "platform/graphql-http/src/http/websocket/protocol.rs",
        name: "Close",
        heading: "WebSockets",
        introduction: "The code with which the gateway closes a WebSocket.",
        named_by: ("code", "code"),
        further: None,
    },
];

/// Writes the page if that is asked for; otherwise returns how it differs.
pub fn problems(repository: &Repository) -> Result<Vec<String>> {
    let mut page = HEAD.to_owned();
    let mut problems = Vec::new();
    for table in TABLES {
        let text = repository.read(table.file)?;
        let read = Enumeration::read(&text, table.name);
        let read = read.with_context(|| format!("{}: {}", table.file, table.name))?;
        for value in read.undocumented() {
            problems.push(format!(
                "{}: {}::{value} says nothing about itself",
                table.file, table.name
            ));
        }
        table.write(&read, &mut page)?;
    }
    let path = repository.root().join(PAGE);
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &page).with_context(|| format!("cannot write {PAGE}"))?;
    }
    if fs::read_to_string(&path).unwrap_or_default() != page {
        problems.push(format!(
            "{PAGE} differs from the code: UPDATE_GOLDEN=1 cargo xtask check error-codes writes it"
        ));
    }
    Ok(problems)
}

impl Table {
    fn write(&self, read: &Enumeration, page: &mut String) -> Result<()> {
        let columns = [
            Some(self.named_by.1),
            self.further.map(|(_, of)| of),
            Some("meaning"),
        ];
        let columns: Vec<&str> = columns.into_iter().flatten().collect();
        let rule = vec!["---"; columns.len()];
        writeln!(page, "\n## {}\n\n{}\n", self.heading, self.introduction)?;
        writeln!(
            page,
            "| {} |\n| {} |",
            columns.join(" | "),
            rule.join(" | ")
        )?;
        for (value, meaning) in read.values() {
            let name = read.result(self.named_by.0, value)?;
            let further = self
                .further
                .map(|(function, _)| read.result(function, value));
            let further = further
                .transpose()?
                .map_or(String::new(), |text| format!(" {text} |"));
            writeln!(page, "| `{name}` |{further} {meaning} |")?;
        }
        Ok(())
    }
}
