//! Progress of something long, on standard error and only if that is a terminal.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar with its figures. It is not drawn if standard error is no terminal.
pub fn progress_bar(length: u64, what: &'static str) -> ProgressBar {
    let template = "  {msg} {bar:40} {pos}/{len}  {per_sec}  {eta} left";
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length)
        .with_style(style)
        .with_message(what)
}
