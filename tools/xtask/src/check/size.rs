//! Files and functions stay short enough to be read in one go.
//!
//! Lines inside a string literal of several lines (SQL, mostly) do not count, nor do those of an array or `vec!`
//! literal in test code (a test table). Folders called `generated` are not looked at.

use std::ops::RangeInclusive;

use anyhow::{Context, Result};
use proc_macro2::{Span, TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::repository::{Repository, has_extension, is_test_file};

const MAX_FILE_LINES: usize = 500;
const MAX_FUNCTION_LINES: usize = 70;
/// Shorter literals are part of the code around them.
const MIN_TABLE_LINES: usize = 8;

/// The files and functions that are too long.
pub fn problems(repository: &Repository) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    let is_rust = |path: &str| has_extension(path, "rs");
    let is_script = |path: &str| path.starts_with(".ci/") || has_extension(path, "py");
    for file in repository.files(|path| is_rust(path) || is_script(path))? {
        if is_rust(&file.path) {
            problems.extend(in_rust(&file.path, &file.text)?);
        } else {
            problems.extend(too_long(&file.path, file.text.lines().count()));
        }
    }
    Ok(problems)
}

fn too_long(path: &str, lines: usize) -> Option<String> {
    (lines > MAX_FILE_LINES).then(|| format!("{path}: {lines} lines, at most {MAX_FILE_LINES}"))
}

fn in_rust(path: &str, text: &str) -> Result<Vec<String>> {
    let syntax = syn::parse_file(text).with_context(|| format!("cannot parse {path}"))?;
    let mut measure = Measure {
        in_tests: is_test_file(path),
        ..Measure::default()
    };
    measure.visit_file(&syntax);
    let counted = |lines: &RangeInclusive<usize>| {
        lines
            .clone()
            .filter(|line| !measure.uncounted.iter().any(|range| range.contains(line)))
            .count()
    };
    let whole_file = 1..=text.lines().count();
    let mut problems: Vec<String> = too_long(path, counted(&whole_file)).into_iter().collect();
    for (name, lines) in &measure.functions {
        let count = counted(lines);
        if count > MAX_FUNCTION_LINES {
            let line = lines.start();
            problems.push(format!(
                "{path}:{line}: {name} has {count} lines, at most {MAX_FUNCTION_LINES}"
            ));
        }
    }
    Ok(problems)
}

#[derive(Debug, Default)]
struct Measure {
    in_tests: bool,
    functions: Vec<(String, RangeInclusive<usize>)>,
    uncounted: Vec<RangeInclusive<usize>>,
}

impl Measure {
    fn function(&mut self, name: &syn::Ident, from: Span, to: Span) {
        let lines = from.start().line..=to.end().line;
        self.functions.push((name.to_string(), lines));
    }

    /// The first and the last line hold code next to the literal, and count.
    fn leave_out(&mut self, span: Span, min_lines: usize) {
        let (first, last) = (span.start().line, span.end().line);
        if last - first + 1 >= min_lines {
            self.uncounted.push(first + 1..=last - 1);
        }
    }

    fn strings_of(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Literal(literal) => self.leave_out(literal.span(), 3),
                TokenTree::Group(group) => self.strings_of(group.stream()),
                TokenTree::Ident(_) | TokenTree::Punct(_) => {}
            }
        }
    }

    fn with_attributes(&mut self, attributes: &[syn::Attribute], inner: impl FnOnce(&mut Self)) {
        let outside = self.in_tests;
        self.in_tests |= attributes.iter().any(is_test_attribute);
        inner(self);
        self.in_tests = outside;
    }
}

/// `#[test]`, `#[tokio::test]` and `#[cfg(test)]`.
fn is_test_attribute(attribute: &syn::Attribute) -> bool {
    let path = attribute.path();
    let names_test = path
        .segments
        .last()
        .is_some_and(|last| last.ident == "test");
    let cfg_test = path.is_ident("cfg")
        && attribute
            .parse_args::<syn::Ident>()
            .is_ok_and(|word| word == "test");
    names_test || cfg_test
}

impl<'ast> Visit<'ast> for Measure {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.with_attributes(&item.attrs, |this| visit::visit_item_mod(this, item));
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.sig.ident, item.sig.span(), item.block.span());
        self.with_attributes(&item.attrs, |this| visit::visit_item_fn(this, item));
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(&item.sig.ident, item.sig.span(), item.block.span());
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.function(&item.sig.ident, item.sig.span(), block.span());
        }
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_lit(&mut self, literal: &'ast syn::Lit) {
        self.leave_out(literal.span(), 3);
    }

    fn visit_expr_array(&mut self, array: &'ast syn::ExprArray) {
        if self.in_tests {
            self.leave_out(array.span(), MIN_TABLE_LINES);
        }
        visit::visit_expr_array(self, array);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        if self.in_tests && call.path.is_ident("vec") {
            self.leave_out(call.span(), MIN_TABLE_LINES);
        }
        self.strings_of(call.tokens.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(lines: usize) -> String {
        format!("fn f() {{\n{}}}\n", "    g();\n".repeat(lines - 2))
    }

    fn problems_of(text: &str) -> Vec<String> {
        in_rust("x/src/a.rs", text).unwrap()
    }

    #[test]
    fn a_function_of_71_lines_is_found_and_one_of_70_is_not() {
        assert!(problems_of(&function(70)).is_empty());
        assert_eq!(problems_of(&function(71)).len(), 1);
        let method = format!("struct S;\nimpl S {{\n{}}}\n", function(71));
        assert_eq!(problems_of(&method).len(), 1);
    }

    #[test]
    fn a_file_of_501_lines_is_found_and_one_of_500_is_not() {
        assert!(problems_of(&"const _: () = ();\n".repeat(500)).is_empty());
        assert_eq!(problems_of(&"const _: () = ();\n".repeat(501)).len(), 1);
        assert!(too_long("a.sh", 501).is_some());
    }

    #[test]
    fn sql_does_not_count() {
        let sql = format!(
            "fn f() {{\n    g(\"\n{}\");\n}}\n",
            "SELECT 1,\n".repeat(600)
        );
        assert!(problems_of(&sql).is_empty());
        let in_macro = format!(
            "fn f() {{\n    g!(\"\n{}\");\n}}\n",
            "SELECT 1,\n".repeat(600)
        );
        assert!(problems_of(&in_macro).is_empty());
    }

    #[test]
    fn a_table_counts_outside_tests_only() {
        let table = format!(
            "fn f() {{\n    let t = [\n{}    ];\n}}\n",
            "    1,\n".repeat(80)
        );
        assert_eq!(problems_of(&table).len(), 1);
        assert!(problems_of(&format!("#[cfg(test)]\nmod tests {{\n{table}}}\n")).is_empty());
        assert!(problems_of(&format!("#[tokio::test]\n{table}")).is_empty());
        let code = function(80);
        assert_eq!(
            problems_of(&format!("#[cfg(test)]\nmod tests {{\n{code}}}\n")).len(),
            1
        );
    }

    #[test]
    fn what_does_not_parse_is_an_error() {
        assert!(in_rust("a.rs", "fn {").is_err());
    }
}
