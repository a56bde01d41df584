//! The documents of the repository, and the commands in them.

use std::io;
use std::path::{Path, PathBuf};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
const AT_ROOT: [&str; 4] = [
    "README.md",
    "README.ja.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
];

/// The pages at the root that users read, and all pages below `docs`.
///
/// # Errors
/// A folder cannot be read.
pub fn documents() -> io::Result<Vec<PathBuf>> {
    let root = Path::new(ROOT);
    let mut pages: Vec<PathBuf> = AT_ROOT.map(|page| root.join(page)).to_vec();
    add_pages(&root.join("docs"), &mut pages)?;
    Ok(pages)
}

fn add_pages(folder: &Path, pages: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            add_pages(&path, pages)?;
        } else if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
    Ok(())
}

/// The words of a command as a shell splits them, up to a pipe or another command.
#[must_use]
pub fn shell_words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut is_word = false;
    for character in command.chars() {
        match quote {
            Some(open) if character == open => quote = None,
            Some(_) => word.push(character),
            None => match character {
                '"' | '\'' => {
                    quote = Some(character);
                    is_word = true;
                }
                '|' | '>' | ';' | '&' | '#' | ')' if !is_word => break,
                '|' | ')' => break,
                ' ' if is_word => {
                    words.push(std::mem::take(&mut word));
                    is_word = false;
                }
                ' ' => {}
                _ => {
                    word.push(character);
                    is_word = true;
                }
            },
        }
    }
    if is_word {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::shell_words;

    #[test]
    fn words_end_at_blanks_outside_of_quotes_and_at_a_pipe() {
        let words = shell_words("shop a --b \"c  d\" '' | tail -n 2");
        assert_eq!(words, ["shop", "a", "--b", "c  d", ""]);
        assert_eq!(shell_words("shop e # a comment"), ["shop", "e"]);
    }
}
