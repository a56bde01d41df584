//! The tables of the API's documentation, which tests compare with the code.

pub const ERRORS: &str = include_str!("../../../docs/api/errors.md");
pub const LIMITS: &str = include_str!("../../../docs/api/limits.md");

/// The rows of the table whose first column has this head, each as its cells.
pub fn table(page: &'static str, head: &str) -> Vec<Vec<&'static str>> {
    let head = format!("| {head} |");
    let table = page.lines().skip_while(|line| !line.starts_with(&head));
    let rows = table.skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect())
        .collect()
}
