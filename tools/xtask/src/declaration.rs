//! Where a name is declared.

/// What a name follows where it is declared.
pub const KEYWORDS: [&str; 7] = ["struct", "enum", "trait", "type", "fn", "const", "mod"];

/// Whether the line of code declares the name, whatever its visibility.
pub fn is_declaration(line: &str, name: &str) -> bool {
    let words: Vec<&str> = line.split(|c| !is_word(c)).collect();
    let mut pairs = words.windows(2);
    pairs.any(|pair| KEYWORDS.contains(&pair[0]) && pair[1] == name)
}

/// Whether the character can be part of a name.
pub fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}
