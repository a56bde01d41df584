//! Crates of a few lines.

use super::graph::Graph;
use super::resolve::Target;
use super::source::Crate;
use super::{Allowed, described, is_root, open};

type Files<'f> = &'f [(&'f str, &'f str)];

fn read(files: Files<'_>) -> Crate {
    let text_of = |path: &str| {
        let found = files.iter().find(|(name, _)| *name == path);
        found.map(|(_, text)| *text)
    };
    Crate::read("src/lib.rs", &text_of).unwrap()
}

/// Each use as `from → to`, without the folder.
fn uses(files: Files<'_>) -> Vec<String> {
    let graph = Graph::of(&read(files));
    let mut uses = Vec::new();
    for (from, _) in files {
        for (to, _) in files {
            if graph.way(from, to).is_some_and(|way| way.len() == 1) {
                let [from, to] = [from, to].map(|path| path.strip_prefix("src/").unwrap());
                uses.push(format!("{from} → {to}"));
            }
        }
    }
    uses
}

fn circles(files: Files<'_>) -> Vec<String> {
    let graph = Graph::of(&read(files));
    graph.circles().iter().map(described).collect()
}

#[test]
fn an_import_leads_to_the_file_that_defines_the_item() {
    let root = ("src/lib.rs", "mod a;\nmod b;\n");
    let b = ("src/b.rs", "pub struct Thing;\n");
    for import in [
        "use crate::b::Thing;",
        "use super::b::Thing;",
        "use crate::b::{self, Thing as Other};",
        "use crate::{b::Thing};",
        "use crate::b::*;",
        "use crate::b;\nfn f() { b::Thing; }",
        "fn f(_: crate::b::Thing) {}",
        "fn f() { use crate::b::Thing; }",
        "fn f() { println!(\"{:?}\", crate::b::Thing); }",
        "impl super::b::Thing {}",
    ] {
        assert_eq!(
            uses(&[root, ("src/a.rs", import), b]),
            ["a.rs → b.rs"],
            "{import}"
        );
    }
    for none in [
        "use crate::b;",
        "use ::b::Thing;",
        "use b::Thing;",
        "pub use crate::b::Thing;",
        "pub(crate) fn b() {}",
        "#[cfg(test)]\nmod tests { use crate::b::Thing; }",
        "#[cfg(test)]\nuse crate::b::Thing;",
        "// use crate::b::Thing;",
    ] {
        assert!(uses(&[root, ("src/a.rs", none), b]).is_empty(), "{none}");
    }
}

#[test]
fn re_exports_are_followed_to_their_end() {
    let files = [
        (
            "src/lib.rs",
            "mod a;\nmod part;\npub use part::{Deep, Renamed};\npub use part::*;\n",
        ),
        (
            "src/a.rs",
            "use crate::{Deep, Renamed, Starred};\nfn f(_: Deep, _: Renamed, _: Starred) {}\n",
        ),
        (
            "src/part/mod.rs",
            "mod deep;\nmod named;\nmod starred;\npub use deep::Deep;\npub use named::Name as Renamed;\npub use starred::Starred;\n",
        ),
        ("src/part/deep.rs", "pub struct Deep;\n"),
        ("src/part/named.rs", "pub struct Name;\n"),
        ("src/part/starred.rs", "pub struct Starred;\n"),
    ];
    let expected = ["part/deep.rs", "part/named.rs", "part/starred.rs"];
    let expected = expected.map(|file| format!("a.rs → {file}"));
    assert_eq!(uses(&files), expected, "none of `pub use` is a use");
}

#[test]
fn a_module_and_an_item_may_share_a_name() {
    let files = [
        ("src/lib.rs", "mod a;\nmod next;\npub use next::next;\n"),
        (
            "src/a.rs",
            "use crate::next;\nuse crate::next::Move;\nfn f(_: Move) { next(); }\n",
        ),
        (
            "src/next.rs",
            "mod parts;\npub use parts::Move;\npub fn next() {}\n",
        ),
        ("src/next/parts.rs", "pub struct Move;\n"),
    ];
    assert_eq!(uses(&files), ["a.rs → next.rs", "a.rs → next/parts.rs"]);
}

#[test]
fn a_parent_uses_its_parts_and_what_it_imports_is_theirs_too() {
    let files = [
        (
            "src/lib.rs",
            "mod a;\nmod tool;\nuse tool::Hammer;\nfn f() { a::run(); }\n",
        ),
        ("src/a.rs", "pub fn run() { super::Hammer; }\n"),
        ("src/tool.rs", "pub struct Hammer;\n"),
    ];
    assert_eq!(
        uses(&files),
        ["lib.rs → a.rs", "lib.rs → tool.rs", "a.rs → tool.rs"]
    );
}

#[test]
fn modules_lie_where_the_compiler_looks_for_them() {
    let files = [
        (
            "src/lib.rs",
            "mod a { pub mod b; pub struct Inline; }\n#[path = \"elsewhere/it.rs\"]\nmod c;\n",
        ),
        ("src/a/b.rs", "use super::Inline;\nuse crate::c::d::D;\n"),
        ("src/elsewhere/it.rs", "pub mod d;\n"),
        ("src/elsewhere/d.rs", "pub struct D;\n"),
    ];
    assert_eq!(uses(&files), ["a/b.rs → lib.rs", "a/b.rs → elsewhere/d.rs"]);
}

#[test]
fn imports_of_each_other_end() {
    let files = [
        (
            "src/lib.rs",
            "mod a;\nmod b;\nuse own::a::X;\nextern crate self as own;\n",
        ),
        ("src/a.rs", "pub use crate::b::X;\npub use crate::b::*;\n"),
        ("src/b.rs", "pub use crate::a::X;\npub use crate::a::*;\n"),
    ];
    let read = read(&files);
    let path = ["crate", "a", "X"].map(str::to_owned);
    assert_eq!(read.resolve(0, &path), None);
    let path = ["own", "b"].map(str::to_owned);
    assert!(matches!(read.resolve(0, &path), Some(Target::Module(_))));
}

const CIRCLE: [(&str, &str); 4] = [
    ("src/lib.rs", "mod a;\nmod b;\nmod c;\n"),
    ("src/a.rs", "\nuse crate::b::B;\npub struct A(B);\n"),
    ("src/b.rs", "use crate::c::C;\npub struct B(C);\n"),
    ("src/c.rs", "pub struct C(Box<crate::a::A>);\n"),
];

#[test]
fn a_circle_is_shown_once_with_its_lines() {
    assert_eq!(
        circles(&CIRCLE),
        ["a circle: src/a.rs:2 uses src/b.rs, src/b.rs:1 uses src/c.rs, src/c.rs:1 uses src/a.rs"]
    );
    assert!(
        circles(
            &CIRCLE[..1]
                .iter()
                .map(|_| ("src/lib.rs", ""))
                .collect::<Vec<_>>()
        )
        .is_empty()
    );
}

#[test]
fn an_allowed_use_opens_its_circle_and_is_needed_only_if_it_does() {
    let allow = |from, to| Allowed {
        from,
        to,
        reason: "a test",
    };
    let allowed = [
        allow("src/c.rs", "src/a.rs"),
        allow("src/b.rs", "src/a.rs"),
        allow("src/elsewhere.rs", "src/a.rs"),
    ];
    let (opened, needed) = open(Graph::of(&read(&CIRCLE)), &allowed);
    assert!(opened.circles().is_empty());
    assert_eq!(needed, [("src/c.rs", "src/a.rs")]);
    let straight = [
        CIRCLE[0],
        CIRCLE[1],
        CIRCLE[2],
        ("src/c.rs", "pub struct C;\n"),
    ];
    let (_, needed) = open(Graph::of(&read(&straight)), &allowed);
    assert!(needed.is_empty(), "{needed:?}");
    let (_, needed) = open(
        Graph::of(&read(&straight)),
        &[allow("src/a.rs", "src/b.rs")],
    );
    assert!(needed.is_empty(), "it closes none");
}

#[test]
fn libraries_and_programs_are_read_from_their_roots() {
    for root in [
        "domain/src/lib.rs",
        "services/shop/src/main.rs",
        "x/src/bin/y.rs",
    ] {
        assert!(is_root(root), "{root}");
    }
    for other in ["domain/src/order/mod.rs", "src/library.rs"] {
        assert!(!is_root(other), "{other}");
    }
}
