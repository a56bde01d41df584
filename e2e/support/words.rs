//! The words of a text, and those that differ from run to run: ids and times.

/// Words and what separates them, in order.
pub fn words(text: &str) -> Vec<&str> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | ':' | '.' | '_');
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c| is_word(c) != is_word(first));
        let (part, after) = rest.split_at(end.unwrap_or(rest.len()));
        parts.push(part);
        rest = after;
    }
    parts
}

pub fn is_time(word: &str) -> bool {
    word.len() >= 20 && word.starts_with("20") && word.contains('T') && word.ends_with('Z')
}

pub fn is_uuid(word: &str) -> bool {
    let groups = word.split('-').map(str::len);
    let is_part = |byte: u8| byte == b'-' || byte.is_ascii_hexdigit();
    groups.eq([8, 4, 4, 4, 12]) && word.bytes().all(is_part)
}
