//! Text in columns.

use super::output::line;

/// Rows under their headings; each column is as wide as its widest cell.
pub fn table<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> String {
    let mut widths = headings.map(|heading| heading.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let written = |cells: [&str; N]| {
        let cells = cells.iter().zip(widths);
        let padded: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        padded.join("  ").trim_end().to_owned()
    };
    let mut lines = vec![written(headings)];
    lines.extend(
        rows.iter()
            .map(|row| written(row.each_ref().map(String::as_str))),
    );
    lines.join("\n")
}

/// Names and values, one pair a line.
pub fn fields(pairs: &[(&str, String)]) -> String {
    let width = pairs.iter().map(|(name, _)| name.chars().count()).max();
    let width = width.unwrap_or_default();
    let pairs = pairs.iter();
    let lines = pairs.map(|(name, value)| format!("{name:width$}  {}\n", line(value)));
    lines.collect::<Vec<_>>().concat()
}

#[cfg(test)]
mod tests {
    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let row = |cells: [&str; 2]| cells.map(str::to_owned);
        let rows = [row(["ä", "1"]), row(["longer", ""])];
        assert_eq!(
            super::table(["NAME", "N"], &rows),
            "NAME    N\nä       1\nlonger"
        );
    }
}
