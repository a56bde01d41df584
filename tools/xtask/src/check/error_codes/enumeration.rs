//! An enumeration in a source file, with what its functions give for each value.

use std::collections::BTreeMap;

use anyhow::{Context, Result, anyhow};
use syn::{Attribute, Expr, ImplItem, Item, Lit, Pat, Stmt};

/// The values of an enumeration in their order, and its functions that are one `match`.
pub struct Enumeration {
    values: Vec<(String, String)>,
    /// By function and value, what it gives.
    results: BTreeMap<(String, String), String>,
}

impl Enumeration {
    /// Reads the enumeration `name` from the text of a source file.
    pub fn read(text: &str, name: &str) -> Result<Self> {
        let file = syn::parse_file(text)?;
        let values = file.items.iter().find_map(|item| match item {
            Item::Enum(found) if found.ident == name => Some(found.variants.iter()),
            _ => None,
        });
        let values = values.context("there is no such enumeration")?;
        let values = values.map(|value| (value.ident.to_string(), description(&value.attrs)));
        let mut read = Self {
            values: values.collect(),
            results: BTreeMap::new(),
        };
        for item in &file.items {
            if let Item::Impl(found) = item
                && found.trait_.is_none()
                && last_of_type(&found.self_ty).is_some_and(|of| of == name)
            {
                found.items.iter().for_each(|item| read.learn(item));
            }
        }
        Ok(read)
    }

    /// Each value with what it says about itself.
    pub fn values(&self) -> impl Iterator<Item = (&str, &str)> {
        let values = self.values.iter();
        values.map(|(name, meaning)| (name.as_str(), meaning.as_str()))
    }

    /// The values without a description.
    pub fn undocumented(&self) -> impl Iterator<Item = &str> {
        let values = self.values().filter(|(_, meaning)| meaning.is_empty());
        values.map(|(name, _)| name)
    }

    /// What a function gives for a value.
    pub fn result(&self, function: &str, value: &str) -> Result<&str> {
        let result = self.results.get(&(function.to_owned(), value.to_owned()));
        let result = result.map(String::as_str);
        result.ok_or_else(|| anyhow!("{function} gives nothing for {value}"))
    }

    fn learn(&mut self, item: &ImplItem) {
        let ImplItem::Fn(function) = item else {
            return;
        };
        let [Stmt::Expr(Expr::Match(found), None)] = function.block.stmts.as_slice() else {
            return;
        };
        let name = function.sig.ident.to_string();
        for arm in &found.arms {
            let result = shown(&arm.body);
            for value in named(&arm.pat) {
                self.results.insert((name.clone(), value), result.clone());
            }
        }
    }
}

/// The values that a pattern names.
fn named(pattern: &Pat) -> Vec<String> {
    let last = |path: &syn::Path| path.segments.last().map(|last| last.ident.to_string());
    match pattern {
        Pat::Or(any) => any.cases.iter().flat_map(named).collect(),
        Pat::Path(path) => last(&path.path).into_iter().collect(),
        Pat::TupleStruct(tuple) => last(&tuple.path).into_iter().collect(),
        Pat::Struct(fields) => last(&fields.path).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// A literal as its value, a constant as its name in words, `None` as nothing.
fn shown(expression: &Expr) -> String {
    match expression {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => text.value(),
            Lit::Int(number) => number.base10_digits().to_owned(),
            _ => String::new(),
        },
        Expr::Block(block) => match block.block.stmts.as_slice() {
            [Stmt::Expr(last, None)] => shown(last),
            _ => String::new(),
        },
        Expr::Call(call) => call.args.first().map(shown).unwrap_or_default(),
        Expr::Path(path) => match path.path.segments.last() {
            Some(last) if last.ident != "None" => status(&last.ident.to_string()),
            _ => String::new(),
        },
        _ => String::new(),
    }
}

/// A status of gRPC as its specification writes it, or one of HTTP with its number.
fn status(constant: &str) -> String {
    if constant.contains('_') || constant.chars().all(char::is_uppercase) {
        let mut all = (100..600).filter_map(|number| http::StatusCode::from_u16(number).ok());
        let name = constant.replace('_', " ");
        let found = all.find(|status| {
            let reason = status.canonical_reason();
            reason.is_some_and(|reason| reason.eq_ignore_ascii_case(&name))
        });
        return found.map_or(name, |status| status.to_string());
    }
    let mut name = String::new();
    for character in constant.chars() {
        if character.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.extend(character.to_uppercase());
    }
    format!("`{name}`")
}

fn last_of_type(of: &syn::Type) -> Option<String> {
    let syn::Type::Path(path) = of else {
        return None;
    };
    path.path.segments.last().map(|last| last.ident.to_string())
}

/// The text of doc comments, in one line.
fn description(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| {
        let named = attribute.meta.require_name_value().ok()?;
        let Expr::Lit(literal) = &named.value else {
            return None;
        };
        match &literal.lit {
            Lit::Str(text) if named.path.is_ident("doc") => Some(text.value().trim().to_owned()),
            _ => None,
        }
    });
    lines.collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::Enumeration;

    const TEXT: &str = "
        enum Other { A }
        pub enum Kind {
            /// The first
            /// one.
            First,
            Second(u8),
            /// With a status.
            NoSuchPath,
        }
        impl Kind {
            pub const fn name(self) -> &'static str {
                match self {
                    Self::First | Self::Second(_) => \"ONE\",
                    Self::NoSuchPath => { \"THREE\" }
                }
            }
            const fn status(self) -> Option<StatusCode> {
                match self {
                    Self::First => Some(StatusCode::NOT_FOUND),
                    Self::Second(_) => None,
                    Self::NoSuchPath => Code::InvalidArgument,
                }
            }
        }";

    #[test]
    fn values_have_descriptions_and_what_functions_give_for_them() {
        let read = Enumeration::read(TEXT, "Kind").expect("Rust");
        let values: Vec<_> = read.values().collect();
        let expected = [
            ("First", "The first one."),
            ("Second", ""),
            ("NoSuchPath", "With a status."),
        ];
        assert_eq!(values, expected);
        assert_eq!(read.undocumented().collect::<Vec<_>>(), ["Second"]);
        let results = |function| {
            let values = ["First", "Second", "NoSuchPath"].into_iter();
            let results = values.map(|value| read.result(function, value).expect("a result"));
            results.collect::<Vec<_>>()
        };
        assert_eq!(results("name"), ["ONE", "ONE", "THREE"]);
        assert_eq!(
            results("status"),
            ["404 Not Found", "", "`INVALID_ARGUMENT`"]
        );
    }

    #[test]
    fn an_enumeration_or_a_function_that_is_missing_is_an_error() {
        assert!(Enumeration::read(TEXT, "Nothing").is_err());
        let read = Enumeration::read(TEXT, "Kind").expect("Rust");
        assert!(read.result("code", "First").is_err());
    }
}
