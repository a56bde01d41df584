//! The files of a crate use each other in one direction: no circles.
//!
//! ```text
//!   source    the modules of a crate: what each defines, imports and names
//!   resolve   which module defines what a path names, through modules and re-exports
//!   graph     which file uses which, and the shortest circle through each file
//! ```
//!
//! A file uses another one if it imports or names what is defined there. A module's declaration of its parts (`mod x;`) and
//! what it re-exports (`pub use`) is no use. Code for tests is left out.

mod graph;
mod resolve;
mod source;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use anyhow::Result;

use self::graph::{Circle, Graph};
use self::source::Crate;
use crate::repository::{Repository, SourceFile, has_extension};

/// A use that closes a circle, and stays.
#[derive(Clone, Copy, Debug)]
struct Allowed {
    from: &'static str,
    to: &'static str,
    /// Why a circle is better here than a file between the two.
    reason: &'static str,
}

const ALLOWED: [Allowed; 4] = [
    Allowed {
        from: "kernel/sagas/src/transitions.rs",
        to: "kernel/sagas/src/state.rs",
        reason: "the state applies events by the table of legal moves, which is written in the state's terms",
    },
    Allowed {
        from: "kernel/event-sourcing/src/projection/handlers.rs",
        to: "kernel/event-sourcing/src/projection/mod.rs",
        reason: "a projection adds handlers, and handlers are those of a projection",
    },
    Allowed {
        from: "kernel/event-sourcing/src/handler/reactions.rs",
        to: "kernel/event-sourcing/src/handler/mod.rs",
        reason: "an event handler adds reactions, and reactions are those of an event handler",
    },
    Allowed {
        from: "services/client-service/src/api/category/types.rs",
        to: "services/client-service/src/api/product/types.rs",
        reason: "in the graph that clients query, a category has products and a product a category",
    },
];

/// The circles that are not allowed, and what is allowed and closes none.
pub fn problems(repository: &Repository) -> Result<Vec<String>> {
    let files = repository.files(|path| has_extension(path, "rs") && path.contains("/src/"))?;
    let mut problems = Vec::new();
    let mut needed = BTreeSet::new();
    for root in files.iter().filter(|file| is_root(&file.path)) {
        let graph = graph_of(&root.path, &files)?;
        let (opened, closing) = open(graph, &ALLOWED);
        needed.extend(closing);
        problems.extend(opened.circles().iter().map(described));
    }
    for Allowed { from, to, reason } in &ALLOWED {
        if !needed.contains(&(*from, *to)) {
            problems.push(format!(
                "{from} may use {to} ({reason}), and that closes no circle: take it off the list"
            ));
        }
    }
    Ok(problems)
}

/// What a crate is read from.
fn is_root(path: &str) -> bool {
    path.ends_with("/src/lib.rs") || path.ends_with("/src/main.rs") || path.contains("/src/bin/")
}

fn graph_of(root: &str, files: &[SourceFile]) -> Result<Graph> {
    let text_of = |path: &str| {
        let found = files.binary_search_by(|file| file.path.as_str().cmp(path));
        found.ok().map(|index| files[index].text.as_str())
    };
    Ok(Graph::of(&Crate::read(root, &text_of)?))
}

/// The graph without the uses that are allowed, and those of them that closed a circle.
fn open(mut graph: Graph, allowed: &[Allowed]) -> (Graph, Vec<(&'static str, &'static str)>) {
    let mut removed = Vec::new();
    for Allowed { from, to, .. } in allowed {
        if graph.remove(from, to) {
            removed.push((*from, *to));
        }
    }
    removed.retain(|(from, to)| graph.way(to, from).is_some());
    (graph, removed)
}

fn described(circle: &Circle) -> String {
    let next = circle.iter().cycle().skip(1);
    let steps: Vec<String> = circle
        .iter()
        .zip(next)
        .map(|((from, line), (to, _))| format!("{from}:{line} uses {to}"))
        .collect();
    format!("a circle: {}", steps.join(", "))
}
