//! What the deterministic crates may not mention: whatever could differ between two nodes that
//! execute the same block. Clippy forbids the same types and methods with a view to meaning
//! (`clippy.toml` in each of these crates); this test needs no types, so it also covers what a
//! path hides from a list, and floats.

use std::fs;

use crate::{cargo::root, sources};

const CLOCKS: &[&str] = &["Instant", "SystemTime", "UNIX_EPOCH", "chrono"];
const HASHED: &[&str] = &[
    "HashMap",
    "HashSet",
    "RandomState",
    "DefaultHasher",
    "hash_map",
    "hash_set",
    "hashbrown",
    "FxHashMap",
    "FxHashSet",
];
/// As words and as the end of others: `as_secs_f64`, `1_f32`. Literals without a type are clippy's
/// to find ([`NO_FLOATS`]).
const FLOATS: &[&str] = &["f32", "f64"];
const THREADS: &[&str] = &["thread", "thread_local!", "tokio", "rayon"];
const OUTSIDE: &[&str] = &["fs", "net", "process", "env", "File", "stdin", "stdout"];
const DICE: &[&str] = &["rand", "getrandom", "fastrand", "OsRng", "thread_rng", "StdRng"];

/// Stands in every deterministic crate; `scripts/lint.sh` makes clippy's word count.
const NO_FLOATS: &str = "#![deny(clippy::float_arithmetic)]";

/// What clippy.toml of every deterministic crate forbids at least.
const CLIPPY: &[&str] = &[
    "std::collections::HashMap",
    "std::collections::HashSet",
    "std::time::Instant",
    "std::time::SystemTime",
    "std::thread::spawn",
    "std::thread::sleep",
];

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
                for word in found_in(line, forbidden) {
                    found.push(format!("{}:{number}: {word}", source.path.display()));
                }
            }
        }
        assert!(files > 0, "{folder} has no sources");
    }
    assert!(found.is_empty(), "not in a deterministic crate:\n{}", found.join("\n"));
}

/// A line that breaks each rule is found: a rule that nothing can break says nothing.
#[test]
fn every_ban_finds_its_line() {
    let lines: &[(&[&str], &str)] = &[
        (CLOCKS, "let now = std::time::Instant::now();"),
        (CLOCKS, "use std::time::{Duration, SystemTime};"),
        (CLOCKS, "time.duration_since(UNIX_EPOCH)"),
        (HASHED, "use std::collections::{BTreeMap, HashMap};"),
        (HASHED, "let seen = collections::hash_set::HashSet::new();"),
        (HASHED, "let mut hasher = DefaultHasher::new();"),
        (FLOATS, "let share: f64 = a / b;"),
        (FLOATS, "let share = 1_f32 / 3_f32;"),
        (FLOATS, "let seconds = duration.as_secs_f64();"),
        (THREADS, "std::thread::spawn(move || work());"),
        (THREADS, "use tokio::sync::mpsc;"),
        (THREADS, "thread_local!(static CACHE: Cell<u64> = Cell::new(0));"),
        (OUTSIDE, "std::fs::read(path)"),
        (OUTSIDE, "std::env::var(\"SEED\")"),
        (DICE, "let dice = rand::random::<u64>();"),
        (DICE, "getrandom::fill(&mut seed)"),
    ];
    for (forbidden, line) in lines {
        assert!(!found_in(line, &[forbidden]).is_empty(), "not found: {line}");
    }
    let harmless = "let name = env!(\"CARGO_PKG_NAME\"); // BTreeMap, Duration, network";
    assert_eq!(found_in(harmless, &[CLOCKS, HASHED, FLOATS, THREADS, OUTSIDE, DICE]), [""; 0]);
}

#[test]
fn clippy_refuses_the_same() {
    for (folder, _) in RULES {
        let file = root().join(folder).join("clippy.toml");
        let text = fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        for path in CLIPPY {
            assert!(text.contains(&format!("\"{path}\"")), "{}: allows {path}", file.display());
        }
        let library = root().join(folder).join("src/lib.rs");
        let text = fs::read_to_string(library).expect("every crate is a library");
        assert!(text.contains(NO_FLOATS), "{folder}/src/lib.rs: lacks {NO_FLOATS}");
    }
}

/// The forbidden words of a line.
fn found_in<'l>(line: &'l str, forbidden: &[&[&str]]) -> Vec<&'l str> {
    let words = words(line);
    let forbidden = forbidden.concat();
    let is_float = |word: &str| FLOATS.iter().any(|float| word.ends_with(float));
    words
        .filter(|word| forbidden.contains(word) || forbidden.contains(&FLOATS[0]) && is_float(word))
        .collect()
}

/// Identifiers of a line; `env!`, which the compiler evaluates, is none. A word in quotes counts as
/// one: the lists are short enough.
fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '!')
        .filter(|word| !word.is_empty())
        .map(|word| word.trim_start_matches('!'))
}
