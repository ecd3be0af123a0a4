//! The shape of files: short, and each crate introduced by its overview.

use crate::sources;

/// A file that is longer is two files.
const MAX_LINES: usize = 600;

#[test]
fn no_file_is_too_long() {
    let long: Vec<_> = sources::all()
        .iter()
        .map(|source| {
            (
                source.text.lines().count(),
                source.path.display().to_string(),
            )
        })
        .filter(|(lines, _)| *lines > MAX_LINES)
        .collect();
    assert!(long.is_empty(), "more than {MAX_LINES} lines: {long:?}");
}

#[test]
fn every_crate_opens_with_its_overview() {
    for source in sources::all() {
        let opens_a_crate =
            source.path.ends_with("src/lib.rs") || source.path.ends_with("src/main.rs");
        assert!(
            !opens_a_crate || source.text.starts_with("//!"),
            "{} opens with no overview of the crate",
            source.path.display()
        );
    }
}

#[test]
fn the_overview_of_a_library_says_what_it_must_never_depend_on() {
    for source in sources::all() {
        let library = source.path.ends_with("src/lib.rs");
        let ours = ["sdk", "node"]
            .iter()
            .any(|home| source.path.starts_with(home));
        let overview: Vec<_> = source
            .text
            .lines()
            .take_while(|line| line.starts_with("//!"))
            .collect();
        assert!(
            !(library && ours)
                || overview
                    .iter()
                    .any(|line| line.contains("must never depend on")),
            "{}: its overview does not say what it must never depend on",
            source.path.display()
        );
    }
}
