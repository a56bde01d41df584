//! The goals: what is counted, in which files, and the maximum.

/// One line of the table.
#[derive(Debug)]
pub struct Goal {
    pub what: &'static str,
    /// The largest number that reaches the goal.
    pub max: usize,
    pub measure: Measure,
}

/// How the number is determined.
#[derive(Debug)]
pub enum Measure {
    /// Lines of code of all the files.
    Lines(&'static [&'static str]),
    /// Lines of code of `impl TRAIT for TYPE`.
    Impl {
        of: &'static str,
        by: &'static str,
        within: &'static [&'static str],
    },
    /// Lines of code of a call of a method: the median of all calls.
    Call {
        method: &'static str,
        within: &'static [&'static str],
    },
    /// How often the stored name of an event occurs as a literal: the maximum of all events.
    StoredNames(&'static [&'static str]),
    /// Files that contain the name of a field.
    Field {
        name: &'static str,
        within: &'static [&'static str],
    },
    /// Not countable by a script.
    Manual,
}

/// All Rust code except for tests and tools.
const SOURCES: &[&str] = &[
    "kernel/*/src/**/*.rs",
    "domain/src/**/*.rs",
    "providers/src/**/*.rs",
    "services/*/src/**/*.rs",
];

pub const GOALS: [Goal; 12] = [
    Goal {
        what: "an event, with name, version, upcaster: places of its name",
        max: 1,
        measure: Measure::StoredNames(SOURCES),
    },
    Goal {
        what: "command on one stream, as a call of `transact` (lines)",
        max: 6,
        measure: Measure::Call {
            method: "transact",
            within: &["{kernel/*/examples,services/*/src,domain/src}/**/*.rs"],
        },
    },
    Goal {
        what: "command on one stream, as `impl Command for ChangeProductPrice`",
        max: 6,
        measure: Measure::Impl {
            of: "Command",
            by: "ChangeProductPrice",
            within: &["domain/src/**/*.rs"],
        },
    },
    Goal {
        what: "aggregate with its commands: Category (lines)",
        max: 140,
        measure: Measure::Lines(&["domain/src/category/{commands,event,state}.rs"]),
    },
    Goal {
        what: "aggregate with its commands: Product (lines)",
        max: 260,
        measure: Measure::Lines(&["domain/src/product/*.rs", "!domain/src/product/mod.rs"]),
    },
    Goal {
        what: "projection with its table: Categories (lines)",
        max: 70,
        measure: Measure::Lines(&["services/query-service/src/projections/categories.rs"]),
    },
    Goal {
        what: "projection with its table: Orders (lines)",
        max: 150,
        measure: Measure::Lines(&["services/query-service/src/projections/orders.rs"]),
    },
    Goal {
        what: "event handler: notifications (lines)",
        max: 25,
        measure: Measure::Lines(&["services/command-service/src/handlers/notifications.rs"]),
    },
    Goal {
        what: "saga (order) with its providers (lines)",
        max: 170,
        measure: Measure::Lines(&[
            "domain/src/fulfilment/*.rs",
            "!domain/src/fulfilment/{mod,kind,cancel_order}.rs",
        ]),
    },
    Goal {
        what: "files for a field on Product: those that name `description`",
        max: 9,
        measure: Measure::Field {
            name: "description",
            within: &[
                "{domain,services/*}/src/**/product{,s}{.rs,/**/*.rs}",
                "proto/*.proto",
            ],
        },
    },
    Goal {
        what: "files for a new aggregate (and at most 600 lines)",
        max: 22,
        measure: Measure::Manual,
    },
    Goal {
        what: "files for an external step (and at most 220 lines)",
        max: 12,
        measure: Measure::Manual,
    },
];
