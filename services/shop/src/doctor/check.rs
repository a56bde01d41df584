//! A check, and how checks are printed.

use serde::Serialize;

use crate::terminal::line;

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Ok,
    /// It could not be checked.
    Unknown,
    /// It works, and should be looked at.
    Warning,
    /// It does not work, or data are at risk.
    Failed,
}

impl Status {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unknown => "unknown",
            Self::Warning => "WARNING",
            Self::Failed => "FAILED",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    pub group: &'static str,
    #[serde(rename = "check")]
    pub name: String,
    pub status: Status,
    pub found: String,
    /// What to do; none if nothing has to be done.
    pub action: Option<&'static str>,
}

/// Collects the checks of a group.
#[derive(Debug)]
pub struct Checks {
    group: &'static str,
    all: Vec<Check>,
}

impl Checks {
    pub fn of(group: &'static str) -> Self {
        let all = Vec::new();
        Self { group, all }
    }

    pub fn ok(&mut self, name: impl Into<String>, found: impl Into<String>) {
        self.add(name, Status::Ok, found, None);
    }

    pub fn unknown(&mut self, name: impl Into<String>, found: impl Into<String>) {
        self.add(name, Status::Unknown, found, None);
    }

    pub fn warning(
        &mut self,
        name: impl Into<String>,
        found: impl Into<String>,
        action: &'static str,
    ) {
        self.add(name, Status::Warning, found, Some(action));
    }

    pub fn failed(
        &mut self,
        name: impl Into<String>,
        found: impl Into<String>,
        action: &'static str,
    ) {
        self.add(name, Status::Failed, found, Some(action));
    }

    /// A check that is ok or has this status.
    pub fn expect(
        &mut self,
        name: impl Into<String>,
        is_ok: bool,
        otherwise: (Status, &'static str),
        found: impl Into<String>,
    ) {
        let (status, action) = otherwise;
        if is_ok {
            self.ok(name, found);
        } else {
            self.add(name, status, found, Some(action));
        }
    }

    fn add(
        &mut self,
        name: impl Into<String>,
        status: Status,
        found: impl Into<String>,
        action: Option<&'static str>,
    ) {
        self.all.push(Check {
            group: self.group,
            name: name.into(),
            status,
            found: found.into(),
            action,
        });
    }

    pub fn into_all(self) -> Vec<Check> {
        self.all
    }
}

/// The checks by group, with what to do under each that is not ok, and their number by status.
pub fn text(checks: &[Check]) -> String {
    let width = checks.iter().map(|check| check.name.chars().count());
    let width = width.max().unwrap_or_default();
    let mut lines = Vec::new();
    let mut group = "";
    for check in checks {
        if check.group != group {
            group = check.group;
            lines.push(format!("{group}:"));
        }
        let (name, status) = (line(&check.name), check.status.as_str());
        lines.push(format!(
            "  {status:7}  {name:width$}  {}",
            line(&check.found)
        ));
        if let Some(action) = check.action {
            lines.push(format!("  {:7}  {:width$}  → {action}", "", ""));
        }
    }
    let count = |status| checks.iter().filter(|check| check.status == status).count();
    lines.push(format!(
        "\n{} ok, {} unknown, {} warnings, {} failed",
        count(Status::Ok),
        count(Status::Unknown),
        count(Status::Warning),
        count(Status::Failed)
    ));
    lines.join("\n")
}
