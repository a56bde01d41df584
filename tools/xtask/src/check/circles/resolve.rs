//! Which file defines what a path names.

use super::source::Crate;

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    Module(usize),
    /// Something that this module defines.
    Item(usize),
}

/// Names that are being looked up, so that imports in a circle end.
type Pending = Vec<(usize, String)>;

impl Crate {
    /// Where `path`, written in `module`, leads. Nothing if that is another crate, or a local name.
    pub fn resolve(&self, module: usize, path: &[String]) -> Option<Target> {
        self.follow(module, path, &mut Pending::new())
    }

    fn follow(&self, module: usize, path: &[String], pending: &mut Pending) -> Option<Target> {
        let (first, mut rest) = path.split_first()?;
        let mut target = match first.as_str() {
            "crate" => Target::Module(0),
            "self" => Target::Module(module),
            "super" => Target::Module(self.modules[module].parent?),
            name if self.own_names.contains(name) => Target::Module(0),
            name => self.lookup(module, name, rest.is_empty(), pending)?,
        };
        while let (Target::Module(module), Some((name, further))) = (target, rest.split_first()) {
            target = match name.as_str() {
                "super" => Target::Module(self.modules[module].parent?),
                "self" => target,
                name => self.lookup(module, name, further.is_empty(), pending)?,
            };
            rest = further;
        }
        Some(target)
    }

    /// What `name` is in `module`. A module and an item may share a name: a path continues through the module, and
    /// ends at the item.
    fn lookup(
        &self,
        module: usize,
        name: &str,
        is_last: bool,
        pending: &mut Pending,
    ) -> Option<Target> {
        let key = (module, name.to_owned());
        if pending.contains(&key) {
            return None;
        }
        pending.push(key);
        let found = self.candidates(module, name, is_last, pending);
        pending.pop();
        found
    }

    fn candidates(
        &self,
        module: usize,
        name: &str,
        is_last: bool,
        pending: &mut Pending,
    ) -> Option<Target> {
        let here = &self.modules[module];
        let child = here.children.get(name).map(|child| Target::Module(*child));
        if child.is_some() && !is_last {
            return child;
        }
        if here.items.contains(name) {
            return Some(Target::Item(module));
        }
        let named = here
            .uses
            .iter()
            .filter(|import| import.name.as_deref() == Some(name));
        // An import of a module that is its own is the same module.
        for import in named {
            let found = self.follow_import(module, &import.path, child.is_some(), pending);
            if found.is_some() {
                return found;
            }
        }
        if child.is_some() {
            return child;
        }
        let globs = here.uses.iter().filter(|import| import.name.is_none());
        for import in globs {
            if let Some(Target::Module(of)) = self.follow(module, &import.path, pending)
                && let Some(found) = self.lookup(of, name, is_last, pending)
            {
                return Some(found);
            }
        }
        None
    }

    /// Where an import leads. Its first name may be the one that is being looked up, as a module: `use a::a`.
    fn follow_import(
        &self,
        module: usize,
        path: &[String],
        has_child: bool,
        pending: &mut Pending,
    ) -> Option<Target> {
        let child = path
            .first()
            .and_then(|first| self.modules[module].children.get(first));
        match child {
            Some(child) if has_child && path.len() > 1 => {
                let mut inside = vec!["self".to_owned()];
                inside.extend_from_slice(&path[1..]);
                self.follow(*child, &inside, pending)
            }
            _ => self.follow(module, path, pending),
        }
    }
}
