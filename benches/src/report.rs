//! Prints one row for each measurement, as a table or as JSON lines.

use std::io::{self, Write as _};

use serde::Serialize;

use crate::measure::Statistics;

#[derive(Clone, Debug, Serialize)]
pub struct Row {
    pub bench: &'static str,
    /// Such as `new aggregates`.
    pub case: String,
    /// `postgres`, `sqlite`, or another environment.
    pub on: &'static str,
    pub clients: usize,
    pub per_second: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub operations: u64,
    /// The limit that it is compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<Comparison>,
    /// The targets of its figures.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bounds: Vec<Bound>,
}

/// A figure that has a target without a limit.
#[derive(Clone, Debug, Serialize)]
pub struct Bound {
    pub figure: &'static str,
    pub value: f64,
    pub target: Target,
    pub reached: bool,
}

/// A figure compared with its limit.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    pub to: String,
    /// The limit, measured before.
    pub before: f64,
    /// The limit, measured after.
    pub after: f64,
    /// The figure divided by the mean of both.
    pub ratio: f64,
    /// The target of the ratio.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reached: Option<bool>,
}

/// The target of a figure or its ratio.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    AtLeast(f64),
    AtMost(f64),
}

impl Target {
    fn reached(self, value: f64) -> bool {
        match self {
            Self::AtLeast(bound) => value >= bound,
            Self::AtMost(bound) => value <= bound,
        }
    }
}

impl Comparison {
    /// Compares a figure with its limit.
    pub fn new(to: &str, figure: f64, before: f64, after: f64, target: Option<Target>) -> Self {
        let ratio = figure / f64::midpoint(before, after);
        Self {
            to: to.to_owned(),
            before,
            after,
            ratio,
            target,
            reached: target.map(|target| target.reached(ratio)),
        }
    }
}

impl Row {
    pub fn new(
        bench: &'static str,
        case: impl Into<String>,
        on: &'static str,
        clients: usize,
        figures: &Statistics,
    ) -> Self {
        Self {
            bench,
            case: case.into(),
            on,
            clients,
            per_second: figures.per_second,
            p50_ms: figures.p50_ms,
            p99_ms: figures.p99_ms,
            operations: figures.operations,
            limit: None,
            bounds: Vec::new(),
        }
    }

    pub fn compared_to(mut self, limit: Comparison) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Adds a target for one of its figures.
    pub fn bound(mut self, figure: &'static str, value: f64, target: Target) -> Self {
        self.bounds.push(Bound {
            figure,
            value,
            target,
            reached: target.reached(value),
        });
        self
    }
}

/// Prints rows as they are added.
#[derive(Debug)]
pub struct Report {
    json: bool,
    started: bool,
}

impl Report {
    pub fn new(json: bool) -> Self {
        Self {
            json,
            started: false,
        }
    }

    /// Prints a row.
    ///
    /// # Errors
    /// If standard output is closed.
    pub fn add(&mut self, row: &Row) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if self.json {
            return writeln!(out, "{}", serde_json::to_string(row)?);
        }
        if !self.started {
            self.started = true;
            writeln!(
                out,
                "{:<10} {:<34} {:<9} {:>7} {:>11} {:>9} {:>9}  compared with its limit",
                "bench", "case", "on", "clients", "per second", "p50 ms", "p99 ms"
            )?;
        }
        writeln!(
            out,
            "{:<10} {:<34} {:<9} {:>7} {:>11.0} {:>9.3} {:>9.3}  {}",
            row.bench,
            row.case,
            row.on,
            row.clients,
            row.per_second,
            row.p50_ms,
            row.p99_ms,
            in_words(row)
        )
    }
}

fn in_words(row: &Row) -> String {
    let bounds = row.bounds.iter().map(|bound| {
        let target = verdict(bound.target, bound.reached);
        format!("{} {:.1}, {target}", bound.figure, bound.value)
    });
    let parts: Vec<String> = row.limit.iter().map(compared).chain(bounds).collect();
    parts.join("; ")
}

fn compared(limit: &Comparison) -> String {
    let Comparison {
        to,
        before,
        after,
        ratio,
        ..
    } = limit;
    let digits = match *before {
        ..0.01 => 6,
        ..100.0 => 3,
        _ => 0,
    };
    let target = match (limit.target, limit.reached) {
        (Some(target), Some(reached)) => format!(", {}", verdict(target, reached)),
        _ => String::new(),
    };
    format!("{ratio:.2} × {to} ({before:.digits$}, {after:.digits$}){target}")
}

fn verdict(target: Target, reached: bool) -> String {
    let verdict = if reached { "reached" } else { "MISSED" };
    match target {
        Target::AtLeast(bound) => format!("target ≥ {bound}: {verdict}"),
        Target::AtMost(bound) => format!("target ≤ {bound}: {verdict}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_to_the_mean_of_the_limit_before_and_after() {
        let limit = Comparison::new("x", 300.0, 100.0, 200.0, Some(Target::AtLeast(1.8)));
        assert!((limit.ratio - 2.0).abs() < 1e-9);
        assert_eq!(limit.reached, Some(true));
        let slow = Comparison::new("x", 300.0, 100.0, 200.0, Some(Target::AtMost(1.6)));
        assert_eq!(slow.reached, Some(false));
    }
}
