//! Compares the output of a command with a file. Ids, times and durations that differ from run to run are replaced, and
//! runs of blanks, which depend on them, are reduced to one; the width of columns is tested by the unit tests of tables.

#[path = "../command_line/golden.rs"]
mod file;

/// Compares `printed` with the file `name`.
#[track_caller]
pub fn check(name: &str, printed: &str) {
    file::check(name, &redacted(printed));
}

/// Without ids, times and durations, and with one blank between words.
pub fn redacted(text: &str) -> String {
    let mut redacted = String::new();
    for line in text.lines() {
        let words: Vec<String> = line.split_whitespace().map(word).collect();
        redacted.push_str(&words.join(" "));
        redacted.push('\n');
    }
    redacted
}

fn word(word: &str) -> String {
    let is_number = |text: &str| text.contains('.') && text.parse::<f64>().is_ok();
    let bare = word.trim_end_matches(',');
    if bare.ends_with('Z') && bare.contains('T') && bare.starts_with(|c: char| c.is_ascii_digit()) {
        return word.replace(bare, "<time>");
    }
    if let Some(start) = word.find("TRK-") {
        return format!("{}TRK-<number>", &word[..start]);
    }
    for prefix in ["pay_", "refund_", "CANCEL-"] {
        if let Some((before, rest)) = reference(word, prefix) {
            return format!("{before}{prefix}<reference>{rest}");
        }
    }
    // Durations have three decimals, money has two.
    let unsigned = word.trim_start_matches('+');
    let decimals = unsigned.split_once('.').map_or(0, |(_, rest)| rest.len());
    if is_number(unsigned) && decimals == 3 {
        return word.replace(unsigned, "<n>");
    }
    without_ids(word)
}

/// What is before and after a provider's reference: the prefix and at least 16 hexadecimal digits.
fn reference<'w>(word: &'w str, prefix: &str) -> Option<(&'w str, &'w str)> {
    let (start, _) = word.rmatch_indices(prefix).next()?;
    let digits = &word[start + prefix.len()..];
    let rest = digits.trim_start_matches(|c: char| c.is_ascii_hexdigit());
    (digits.len() - rest.len() >= 16).then_some((&word[..start], rest))
}

/// An id is five groups of hexadecimal digits.
fn without_ids(word: &str) -> String {
    const LENGTH: usize = 36;
    let is_id = |text: &str| {
        let groups = text.split('-').map(str::len);
        let is_hex = |byte: u8| byte == b'-' || byte.is_ascii_hexdigit();
        groups.eq([8, 4, 4, 4, 12]) && text.bytes().all(is_hex)
    };
    let mut starts = (0..word.len()).filter(|start| word.is_char_boundary(*start));
    let found = starts.find(|start| {
        let id = word.get(*start..start + LENGTH);
        id.is_some_and(is_id)
    });
    match found {
        Some(start) => {
            let rest = without_ids(&word[start + LENGTH..]);
            format!("{}<id>{rest}", &word[..start])
        }
        None => word.to_owned(),
    }
}

#[test]
fn ids_times_and_durations_are_replaced() {
    let text = "Saga   01a20685-133a-7a62-ab49-ef16d167bce0/pay, 23.60\n +0.007 s  at 2026-11-23T03:48:34.237Z,  TRK-1F pay_0123456789abcdef0, refund_payment";
    assert_eq!(
        redacted(text),
        "Saga <id>/pay, 23.60\n+<n> s at <time>, TRK-<number> pay_<reference>, refund_payment\n"
    );
}
