//! The shape of files: short, and each crate introduced by its overview.

use crate::sources::{self, Source};

/// A file that is longer is two files.
const MAX_LINES: usize = 600;

#[test]
fn no_file_is_too_long() {
    let too_long = paths(|source| source.text.lines().count() > MAX_LINES);
    assert!(too_long.is_empty(), "more than {MAX_LINES} lines: {too_long:?}");
}

#[test]
fn every_crate_opens_with_its_overview() {
    let without = paths(|source| {
        let opens = source.path.ends_with("src/lib.rs") || source.path.ends_with("src/main.rs");
        opens && !source.text.starts_with("//!")
    });
    assert!(without.is_empty(), "no overview (`//!`) at the top: {without:?}");
}

/// Of the libraries of the product; `server` may depend on everything.
#[test]
fn an_overview_says_what_its_crate_must_never_depend_on() {
    let silent = paths(|source| {
        let ours = ["sdk", "node"].iter().any(|home| source.path.starts_with(home));
        let library =
            source.path.ends_with("src/lib.rs") && !source.path.starts_with("node/server");
        let mut overview = source.text.lines().take_while(|line| line.starts_with("//!"));
        ours && library && !overview.any(|line| line.contains("must never depend on"))
    });
    assert!(silent.is_empty(), "not said what it must never depend on: {silent:?}");
}

fn paths(concerned: impl Fn(&Source) -> bool) -> Vec<String> {
    let all = sources::all();
    let concerned = all.iter().filter(|source| concerned(source));
    concerned.map(|source| source.path.display().to_string()).collect()
}
