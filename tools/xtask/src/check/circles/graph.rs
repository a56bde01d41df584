//! Which file uses which, and the circles among them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::resolve::Target;
use super::source::Crate;

/// For each file, those that it uses, and the first line where it does.
#[derive(Debug, Default)]
pub struct Graph {
    uses: BTreeMap<String, BTreeMap<String, usize>>,
}

/// Files of which each uses the next one, in the line that is given, and the last one the first.
pub type Circle = Vec<(String, usize)>;

impl Graph {
    /// The graph of a crate's files.
    pub fn of(read: &Crate) -> Self {
        let mut graph = Self::default();
        for (index, module) in read.modules.iter().enumerate() {
            for import in module.uses.iter().filter(|import| !import.is_reexport) {
                match read.resolve(index, &import.path) {
                    Some(Target::Item(of)) => graph.add(read, index, of, import.line),
                    // A module by itself is no use: what is named through it is.
                    Some(Target::Module(of)) if import.name.is_none() => {
                        graph.add(read, index, of, import.line);
                    }
                    _ => {}
                }
            }
            for (path, line) in &module.paths {
                if let Some(Target::Item(of)) = read.resolve(index, path) {
                    graph.add(read, index, of, *line);
                }
            }
        }
        graph
    }

    fn add(&mut self, read: &Crate, from: usize, to: usize, line: usize) {
        let (from, to) = (read.modules[from].file, read.modules[to].file);
        if from != to {
            let uses = self.uses.entry(read.files[from].clone()).or_default();
            let first = uses.entry(read.files[to].clone()).or_insert(line);
            *first = line.min(*first);
        }
    }

    /// Takes a use out. Says whether there was one.
    pub fn remove(&mut self, from: &str, to: &str) -> bool {
        let uses = self.uses.get_mut(from);
        uses.is_some_and(|uses| uses.remove(to).is_some())
    }

    /// The files on a shortest way from one to another, the first one included and the last one not.
    pub fn way<'g>(&'g self, from: &'g str, to: &str) -> Option<Vec<&'g str>> {
        let mut came_from: BTreeMap<&str, &str> = BTreeMap::new();
        let mut queue = VecDeque::from([from]);
        while let Some(file) = queue.pop_front() {
            for next in self.uses.get(file).into_iter().flat_map(BTreeMap::keys) {
                if next == to {
                    let before = |file: &&str| came_from.get(*file).copied();
                    let mut way: Vec<_> = std::iter::successors(Some(file), before).collect();
                    way.reverse();
                    return Some(way);
                }
                if next != from && !came_from.contains_key(next.as_str()) {
                    came_from.insert(next, file);
                    queue.push_back(next);
                }
            }
        }
        None
    }

    /// For each file a shortest circle that it is in, and each circle once. Who opens them one by one comes to the end of
    /// all circles.
    pub fn circles(&self) -> Vec<Circle> {
        let mut seen = BTreeSet::new();
        let ways = self.uses.keys().filter_map(|file| self.way(file, file));
        ways.filter(|way| seen.insert(way.iter().copied().collect::<BTreeSet<_>>()))
            .map(|way| self.with_lines(&way))
            .collect()
    }

    fn with_lines(&self, way: &[&str]) -> Circle {
        let next = way.iter().cycle().skip(1);
        way.iter()
            .zip(next)
            .map(|(from, to)| ((*from).to_owned(), self.uses[*from][*to]))
            .collect()
    }
}
