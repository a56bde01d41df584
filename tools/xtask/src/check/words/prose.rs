//! What of a Rust file is prose: its comments and its string literals.

/// Where the scanner is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Code,
    LineComment,
    BlockComment,
    String,
    /// With the number of `#` that end it.
    RawString(usize),
}

/// The text with everything but prose replaced by spaces, so that lines and columns stay.
pub fn of_rust(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut prose = String::with_capacity(text.len());
    let mut state = State::Code;
    let mut at = 0;
    while at < chars.len() {
        let (next, length) = step(state, &chars, at);
        let is_prose = state != State::Code && next != State::Code;
        for &char in &chars[at..(at + length).min(chars.len())] {
            prose.push(if is_prose || char == '\n' { char } else { ' ' });
        }
        state = next;
        at += length;
    }
    prose
}

/// The state after the characters at `at`, and how many they are.
fn step(state: State, chars: &[char], at: usize) -> (State, usize) {
    let starts_with = |text: &str| {
        let mut rest = chars[at..].iter();
        text.chars().all(|char| rest.next() == Some(&char))
    };
    match state {
        State::Code if starts_with("//") => (State::LineComment, 2),
        State::Code if starts_with("/*") => (State::BlockComment, 2),
        State::Code if starts_with("\"") => (State::String, 1),
        State::Code => raw_string(chars, at)
            .or_else(|| char_literal(chars, at))
            .unwrap_or((State::Code, 1)),
        State::LineComment if chars[at] == '\n' => (State::Code, 1),
        State::BlockComment if starts_with("*/") => (State::Code, 2),
        State::String if chars[at] == '\\' => (State::String, 2),
        State::String if chars[at] == '"' => (State::Code, 1),
        State::RawString(hashes) if starts_with(&format!("\"{}", "#".repeat(hashes))) => {
            (State::Code, 1 + hashes)
        }
        state => (state, 1),
    }
}

/// `r"`, `r#"` and so on, unless the `r` ends a word.
fn raw_string(chars: &[char], at: usize) -> Option<(State, usize)> {
    let ends_word = at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_');
    if chars[at] != 'r' || ends_word {
        return None;
    }
    let hashes = chars[at + 1..].iter().take_while(|&&c| c == '#').count();
    let quote = chars.get(at + 1 + hashes)?;
    (*quote == '"').then_some((State::RawString(hashes), 2 + hashes))
}

/// `'x'` or `'\x'`; a lifetime has no second quote there.
fn char_literal(chars: &[char], at: usize) -> Option<(State, usize)> {
    if chars[at] != '\'' {
        return None;
    }
    let length = if chars.get(at + 1) == Some(&'\\') {
        4
    } else {
        3
    };
    let last = chars.get(at + length - 1)?;
    (*last == '\'').then_some((State::Code, length))
}

#[cfg(test)]
mod tests {
    use super::of_rust;

    fn words(text: &str) -> String {
        of_rust(text)
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn comments_and_strings_are_prose_and_code_is_not() {
        let text = "let a = \"in \\\" text\"; // why\n/* both\nlines */ fn b<'a>(c: &'a str) { d('\"', r#\"raw \" text\"#) }\n";
        assert_eq!(words(text), "in \\\" text why both lines raw \" text");
    }

    #[test]
    fn lines_stay_where_they_are() {
        let text = "a\n\nb // c\n";
        let lines: Vec<String> = of_rust(text).lines().map(str::to_owned).collect();
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[2].trim(), "c");
    }
}
