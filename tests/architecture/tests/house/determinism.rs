//! What the deterministic crates may not mention: whatever could differ between two nodes that
//! execute the same block. Clippy forbids the same types and methods with a view to meaning
//! (`clippy.toml` in each of these crates); this test needs no types, so it also covers what a
//! path hides from a list, and floats.

use crate::sources;

const CLOCKS: &[&str] = &["Instant", "SystemTime"];
const HASHED: &[&str] = &["HashMap", "HashSet", "RandomState", "hash_map", "hash_set"];
const FLOATS: &[&str] = &["f32", "f64"];
const THREADS: &[&str] = &["thread", "tokio"];
const OUTSIDE: &[&str] = &["fs", "net", "process", "env", "File", "stdin", "stdout"];
const DICE: &[&str] = &["rand", "getrandom", "OsRng"];

/// The module cache of the machine keeps compiled code in files, beside every outcome.
const RULES: &[(&str, &[&[&str]])] = &[
    ("sdk/protocol", &[CLOCKS, HASHED, FLOATS, THREADS, OUTSIDE, DICE]),
    ("sdk/contract", &[CLOCKS, HASHED, FLOATS, THREADS, OUTSIDE, DICE]),
    ("node/consensus", &[CLOCKS, HASHED, FLOATS, THREADS, OUTSIDE, DICE]),
    ("node/execution", &[CLOCKS, HASHED, FLOATS, THREADS, OUTSIDE, DICE]),
    ("node/core", &[CLOCKS, HASHED, FLOATS, THREADS, OUTSIDE, DICE]),
    ("node/vm", &[CLOCKS, HASHED, FLOATS, THREADS, DICE]),
    ("contracts/aeo", &[CLOCKS, HASHED, FLOATS, THREADS, OUTSIDE, DICE]),
    ("contracts/governance", &[CLOCKS, HASHED, FLOATS, THREADS, OUTSIDE, DICE]),
];

#[test]
fn deterministic_crates_mention_nothing_that_differs_between_nodes() {
    let sources = sources::all();
    let mut found = Vec::new();
    for (folder, forbidden) in RULES {
        let products = sources.iter().filter(|source| source.is_product_of(folder));
        let mut files = 0;
        for source in products {
            files += 1;
            for (number, line) in source.product_lines() {
                for word in words(line).filter(|word| forbidden.concat().contains(word)) {
                    found.push(format!("{}:{number}: {word}", source.path.display()));
                }
            }
        }
        assert!(files > 0, "{folder} has no sources");
    }
    assert!(found.is_empty(), "not in a deterministic crate:\n{}", found.join("\n"));
}

/// Identifiers of a line; `env!`, which the compiler evaluates, is none. A word in quotes counts as
/// one: the lists are short enough.
fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '!')
        .filter(|word| !word.is_empty())
        .map(|word| word.trim_start_matches('!'))
}
