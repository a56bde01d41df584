//! The modules of a crate, as its source files declare them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use proc_macro2::{TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// A module of a crate. The first one is the crate's root.
#[derive(Debug, Default)]
pub struct Module {
    /// Which of the crate's files it is in.
    pub file: usize,
    pub parent: Option<usize>,
    /// The modules that it declares.
    pub children: BTreeMap<String, usize>,
    /// What it defines itself.
    pub items: BTreeSet<String>,
    /// What it imports and re-exports.
    pub uses: Vec<Use>,
    /// The paths in its code.
    pub paths: Vec<(Vec<String>, usize)>,
}

/// One name of a `use`.
#[derive(Debug)]
pub struct Use {
    pub path: Vec<String>,
    /// What it is called here; nothing for `*`.
    pub name: Option<String>,
    /// Whether others see it as this module's.
    pub is_reexport: bool,
    pub line: usize,
}

/// The modules and files of a crate.
#[derive(Debug, Default)]
pub struct Crate {
    pub modules: Vec<Module>,
    pub files: Vec<String>,
    /// What the crate calls itself, by `extern crate self as …`.
    pub own_names: BTreeSet<String>,
}

impl Crate {
    /// Reads the crate whose root is the file at `root`. `text_of` gives a file's text, if there is one.
    ///
    /// # Errors
    /// A file is no Rust, or a module has no file.
    pub fn read<'t>(root: &str, text_of: &dyn Fn(&str) -> Option<&'t str>) -> Result<Self> {
        let mut read = Self::default();
        read.file(root, folder_of(root), None, text_of)?;
        Ok(read)
    }

    /// Reads a file. Its modules lie in `folder`.
    fn file<'t>(
        &mut self,
        path: &str,
        folder: &str,
        parent: Option<usize>,
        text_of: &dyn Fn(&str) -> Option<&'t str>,
    ) -> Result<usize> {
        let text = text_of(path).with_context(|| format!("{path} is missing"))?;
        let syntax = syn::parse_file(text).with_context(|| format!("cannot parse {path}"))?;
        self.files.push(path.to_owned());
        let file = self.files.len() - 1;
        let place = Place { path, folder, file };
        self.module(place, parent, &syntax.items, text_of)
    }

    fn module<'t>(
        &mut self,
        place: Place<'_>,
        parent: Option<usize>,
        items: &[syn::Item],
        text_of: &dyn Fn(&str) -> Option<&'t str>,
    ) -> Result<usize> {
        let module = self.modules.len();
        self.modules.push(Module {
            file: place.file,
            parent,
            ..Module::default()
        });
        let mut contents = Contents::default();
        for item in items.iter().filter(|item| !is_for_tests(item)) {
            match item {
                syn::Item::Mod(declared) => {
                    let name = declared.ident.to_string();
                    let child = self.declared(place, module, declared, text_of)?;
                    self.modules[module].children.insert(name, child);
                }
                syn::Item::ExternCrate(it) if it.ident == "self" => {
                    let renamed = it.rename.iter().map(|(_, name)| name.to_string());
                    self.own_names.extend(renamed);
                }
                item => {
                    self.modules[module].items.extend(name_of(item));
                    contents.visit_item(item);
                }
            }
        }
        self.modules[module].uses = contents.uses;
        self.modules[module].paths = contents.paths;
        Ok(module)
    }

    /// Reads a module where it is declared, or in its file.
    fn declared<'t>(
        &mut self,
        place: Place<'_>,
        parent: usize,
        declared: &syn::ItemMod,
        text_of: &dyn Fn(&str) -> Option<&'t str>,
    ) -> Result<usize> {
        let name = declared.ident.to_string();
        let folder = format!("{}/{name}", place.folder);
        if let Some((_, items)) = &declared.content {
            let inside = Place {
                folder: &folder,
                ..place
            };
            return self.module(inside, Some(parent), items, text_of);
        }
        if let Some(path) = path_attribute(&declared.attrs) {
            let path = format!("{}/{path}", folder_of(place.path));
            return self.file(&path, folder_of(&path), Some(parent), text_of);
        }
        let plain = format!("{folder}.rs");
        if text_of(&plain).is_some() {
            return self.file(&plain, &folder, Some(parent), text_of);
        }
        self.file(&format!("{folder}/mod.rs"), &folder, Some(parent), text_of)
    }
}

/// Where a module is.
#[derive(Clone, Copy)]
struct Place<'p> {
    path: &'p str,
    /// Where the files of its modules lie.
    folder: &'p str,
    file: usize,
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or(".", |(folder, _)| folder)
}

fn path_attribute(attributes: &[syn::Attribute]) -> Option<String> {
    attributes.iter().find_map(|attribute| {
        let value = &attribute.meta.require_name_value().ok()?;
        let syn::Expr::Lit(literal) = &value.value else {
            return None;
        };
        match &literal.lit {
            syn::Lit::Str(text) if value.path.is_ident("path") => Some(text.value()),
            _ => None,
        }
    })
}

fn name_of(item: &syn::Item) -> Option<String> {
    let name = match item {
        syn::Item::Const(it) => &it.ident,
        syn::Item::Enum(it) => &it.ident,
        syn::Item::Fn(it) => &it.sig.ident,
        syn::Item::Macro(it) => it.ident.as_ref()?,
        syn::Item::Static(it) => &it.ident,
        syn::Item::Struct(it) => &it.ident,
        syn::Item::Trait(it) => &it.ident,
        syn::Item::TraitAlias(it) => &it.ident,
        syn::Item::Type(it) => &it.ident,
        syn::Item::Union(it) => &it.ident,
        _ => return None,
    };
    Some(name.to_string())
}

fn is_for_tests(item: &syn::Item) -> bool {
    let attributes = match item {
        syn::Item::Const(it) => &it.attrs,
        syn::Item::Enum(it) => &it.attrs,
        syn::Item::ExternCrate(it) => &it.attrs,
        syn::Item::Fn(it) => &it.attrs,
        syn::Item::Impl(it) => &it.attrs,
        syn::Item::Macro(it) => &it.attrs,
        syn::Item::Mod(it) => &it.attrs,
        syn::Item::Static(it) => &it.attrs,
        syn::Item::Struct(it) => &it.attrs,
        syn::Item::Trait(it) => &it.attrs,
        syn::Item::Type(it) => &it.attrs,
        syn::Item::Use(it) => &it.attrs,
        _ => return false,
    };
    has_cfg_test(attributes)
}

/// `#[cfg(test)]`, and nothing that is more than that.
fn has_cfg_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute
                .parse_args::<syn::Path>()
                .is_ok_and(|condition| condition.is_ident("test"))
    })
}

/// What the code of a module imports and names.
#[derive(Default)]
struct Contents {
    uses: Vec<Use>,
    paths: Vec<(Vec<String>, usize)>,
}

impl Contents {
    fn tree(&mut self, tree: &syn::UseTree, path: &mut Vec<String>, is_reexport: bool) {
        let line = tree.span().start().line;
        let mut add = |path: Vec<String>, name: Option<String>| {
            self.uses.push(Use {
                path,
                name,
                is_reexport,
                line,
            });
        };
        match tree {
            syn::UseTree::Path(step) => {
                path.push(step.ident.to_string());
                self.tree(&step.tree, path, is_reexport);
                path.pop();
            }
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.tree(tree, path, is_reexport);
                }
            }
            syn::UseTree::Name(name) => {
                let mut path = path.clone();
                // `a::{self}` is `a`.
                if name.ident != "self" || path.is_empty() {
                    path.push(name.ident.to_string());
                }
                let name = path.last().cloned();
                add(path, name);
            }
            syn::UseTree::Rename(renamed) => {
                let mut path = path.clone();
                if renamed.ident != "self" || path.is_empty() {
                    path.push(renamed.ident.to_string());
                }
                add(path, Some(renamed.rename.to_string()));
            }
            syn::UseTree::Glob(_) => add(path.clone(), None),
        }
    }

    /// The paths in what a macro is given: names with `::` between them.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut line = 0;
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(name) => {
                    if colons != 2 {
                        self.end(&mut path, line);
                    }
                    if path.is_empty() {
                        line = name.span().start().line;
                    }
                    path.push(name.to_string());
                    colons = 0;
                }
                TokenTree::Punct(mark) if mark.as_char() == ':' => colons += 1,
                other => {
                    self.end(&mut path, line);
                    colons = 0;
                    if let TokenTree::Group(group) = other {
                        self.tokens(group.stream());
                    }
                }
            }
        }
        self.end(&mut path, line);
    }

    fn end(&mut self, path: &mut Vec<String>, line: usize) {
        if path.len() > 1 {
            self.paths.push((std::mem::take(path), line));
        }
        path.clear();
    }
}

impl<'ast> Visit<'ast> for Contents {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if !is_for_tests(item) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, method: &'ast syn::ImplItemFn) {
        if !has_cfg_test(&method.attrs) {
            visit::visit_impl_item_fn(self, method);
        }
    }

    fn visit_item_use(&mut self, import: &'ast syn::ItemUse) {
        // `::name` is another crate.
        if import.leading_colon.is_none() {
            let is_reexport = !matches!(import.vis, syn::Visibility::Inherited);
            self.tree(&import.tree, &mut Vec::new(), is_reexport);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            let names = path
                .segments
                .iter()
                .map(|segment| segment.ident.to_string());
            let line = path.span().start().line;
            self.paths.push((names.collect(), line));
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        self.visit_path(&called.path);
        self.tokens(called.tokens.clone());
    }

    /// Attributes name derives and lints; the paths of a visibility are no uses.
    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}

    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}
}
