//! A log line in the code.

use proc_macro2::{Group, TokenTree};

/// From the most severe on.
pub(super) const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

/// The level of `tracing::LEVEL!`, if that comes before.
pub(super) fn level(before: &[TokenTree]) -> Option<&'static str> {
    let [
        ..,
        TokenTree::Ident(tracing),
        TokenTree::Punct(_),
        TokenTree::Punct(_),
        TokenTree::Ident(level),
        TokenTree::Punct(bang),
    ] = before
    else {
        return None;
    };
    let is_macro = *tracing == "tracing" && bang.as_char() == '!';
    LEVELS.into_iter().find(|name| is_macro && level == name)
}

/// What is in front of the message, cut at its commas.
pub(super) fn fields(group: &Group) -> Vec<Vec<TokenTree>> {
    let mut fields = vec![Vec::new()];
    for token in group.stream() {
        let is_comma = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == ',');
        match fields.last_mut() {
            Some(last) if !is_comma => last.push(token),
            _ => fields.push(Vec::new()),
        }
    }
    let message = fields
        .iter()
        .position(|field| matches!(field.as_slice(), [TokenTree::Literal(_)]));
    fields.truncate(message.unwrap_or(fields.len()));
    fields
}
