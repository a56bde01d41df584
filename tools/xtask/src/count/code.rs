//! Counts the lines of code of a Rust file.

use std::collections::BTreeSet;

use anyhow::{Result, anyhow};
use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// The code of a file, without comments, blank lines and tests.
#[derive(Debug, Default)]
pub struct Code {
    lines: BTreeSet<usize>,
    /// The string literals in it.
    pub texts: Vec<String>,
    /// The identifiers in it.
    pub words: BTreeSet<String>,
    text: String,
}

impl Code {
    pub fn read(text: &str) -> Result<Self> {
        let tokens: TokenStream = text.parse().map_err(|error| anyhow!("{error}"))?;
        let mut code = Self {
            text: text.to_owned(),
            ..Self::default()
        };
        code.add(tokens);
        Ok(code)
    }

    /// The number of lines.
    pub fn count(&self) -> usize {
        self.lines.len()
    }

    /// The numbers of lines of each part of the wanted kind.
    pub fn parts(&self, wanted: Part) -> Result<Vec<usize>> {
        let syntax = syn::parse_file(&self.text)?;
        let mut finder = Finder {
            wanted,
            spans: Vec::new(),
        };
        finder.visit_file(&syntax);
        let lines = |span: &Span| {
            let (first, last) = (span.start().line, span.end().line);
            self.lines.range(first..=last).count()
        };
        // Parts in tests have no lines of code.
        Ok(finder
            .spans
            .iter()
            .map(lines)
            .filter(|&count| count > 0)
            .collect())
    }

    fn add(&mut self, tokens: TokenStream) {
        let mut tokens = tokens.into_iter().peekable();
        let mut in_test = false;
        while let Some(token) = tokens.next() {
            if let TokenTree::Punct(punct) = &token
                && punct.as_char() == '#'
            {
                let is_inner =
                    |next: &TokenTree| matches!(next, TokenTree::Punct(p) if p.as_char() == '!');
                let bang = tokens.next_if(is_inner);
                if let Some(TokenTree::Group(group)) = tokens.next_if(is_attribute) {
                    in_test |= is_cfg_test(&group);
                    if !is_doc(&group) && !in_test {
                        self.add_lines(token.span());
                        self.add_group(&group);
                    }
                    continue;
                }
                if let Some(bang) = bang {
                    self.add_token(bang);
                }
            }
            if in_test {
                in_test = !ends_item(&token);
                continue;
            }
            self.add_token(token);
        }
    }

    fn add_token(&mut self, token: TokenTree) {
        match token {
            TokenTree::Group(group) => self.add_group(&group),
            TokenTree::Ident(word) => {
                self.add_lines(word.span());
                self.words.insert(word.to_string());
            }
            TokenTree::Literal(literal) => {
                self.add_lines(literal.span());
                let text = literal.to_string();
                if let Some(text) = text.strip_prefix('"') {
                    self.texts.push(text.trim_end_matches('"').to_owned());
                }
            }
            TokenTree::Punct(punct) => self.add_lines(punct.span()),
        }
    }

    fn add_group(&mut self, group: &Group) {
        if group.delimiter() != Delimiter::None {
            self.add_lines(group.span_open());
            self.add_lines(group.span_close());
        }
        self.add(group.stream());
    }

    fn add_lines(&mut self, span: Span) {
        self.lines.extend(span.start().line..=span.end().line);
    }
}

fn is_attribute(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket)
}

fn is_doc(attribute: &Group) -> bool {
    let first = attribute.stream().into_iter().next();
    matches!(first, Some(TokenTree::Ident(word)) if word == "doc")
}

fn is_cfg_test(attribute: &Group) -> bool {
    attribute.stream().to_string().replace(' ', "") == "cfg(test)"
}

/// Whether the token ends an item: its body or a semicolon.
fn ends_item(token: &TokenTree) -> bool {
    match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(punct) => punct.as_char() == ';',
        TokenTree::Ident(_) | TokenTree::Literal(_) => false,
    }
}

/// The kind of parts to find in a file.
#[derive(Clone, Copy, Debug)]
pub enum Part {
    /// Implementations of a trait for a type.
    Impl { of: &'static str, by: &'static str },
    /// Calls of a method.
    Call(&'static str),
}

struct Finder {
    wanted: Part,
    spans: Vec<Span>,
}

impl<'ast> Visit<'ast> for Finder {
    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if let Part::Impl { of, by } = self.wanted
            && let Some((_, path, _)) = &item.trait_
            && let syn::Type::Path(own) = &*item.self_ty
            && ends_with(path, of)
            && ends_with(&own.path, by)
        {
            self.spans.push(item.span());
        }
        visit::visit_item_impl(self, item);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        if matches!(self.wanted, Part::Call(name) if call.method == name) {
            self.spans.push(call.span());
        }
        visit::visit_expr_method_call(self, call);
    }
}

fn ends_with(path: &syn::Path, name: &str) -> bool {
    path.segments.last().is_some_and(|last| last.ident == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_blank_lines_and_tests_are_not_code() {
        let text = "\
//! What it is.

use a::b; // why

/// A thing.
#[derive(Debug)]
struct Thing {
    /* its number */
    number: u8,
}

const SQL: &str = \"
    SELECT 1
\";

#[cfg(test)]
use c::d;

#[cfg(test)]
mod tests {
    #[test]
    fn it_works() {}
}

#[cfg(test)]
#[derive(Debug)]
struct Fake;

fn f() {}
";
        let code = Code::read(text).unwrap();
        assert_eq!(code.lines, BTreeSet::from([3, 6, 7, 9, 10, 12, 13, 14, 29]));
        assert!(code.words.contains("number") && !code.words.contains("it_works"));
        assert_eq!(code.texts.len(), 1);
    }

    #[test]
    fn parts_are_counted_without_their_comments() {
        let text = "\
impl Command for Add {
    // Why.
    const NAME: &str = \"add\";
}
impl Command for Take {}
impl Add {}

fn f(executor: &E) {
    let x = executor
        // Why.
        .transact(|a| a.add(1));
}
";
        let code = Code::read(text).unwrap();
        let of = |by| {
            let of = "Command";
            code.parts(Part::Impl { of, by }).unwrap()
        };
        assert_eq!(of("Add"), [3]);
        assert_eq!(of("Take"), [1]);
        assert!(of("Give").is_empty());
        assert_eq!(code.parts(Part::Call("transact")).unwrap(), [2]);
    }
}
