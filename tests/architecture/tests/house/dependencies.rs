//! Dependency directions: who may know whom.

use std::collections::BTreeSet;

use crate::cargo::Metadata;

const PROTOCOL: &str = "precinto-protocol";
const CONTRACT: &str = "precinto-contract";
/// The deliberate bugs: whoever has a place for them depends on it optionally.
const MUTATION: &str = "precinto-mutation";

/// What each crate of the main workspace may depend on, of ours. Only `server` knows everybody;
/// tests and benches (`None`) may use anything, and nothing depends on them.
const MAIN: &[(&str, Option<&[&str]>)] = &[
    (PROTOCOL, Some(&[])),
    (CONTRACT, Some(&[PROTOCOL])),
    ("precinto-client", Some(&[PROTOCOL])),
    ("precinto-consensus", Some(&[PROTOCOL])),
    ("precinto-vm", Some(&[PROTOCOL])),
    ("precinto-storage", Some(&[PROTOCOL])),
    ("precinto-execution", Some(&[PROTOCOL, "precinto-vm"])),
    (
        "precinto-core",
        Some(&[PROTOCOL, "precinto-consensus", "precinto-execution", "precinto-storage"]),
    ),
    ("precinto-network", Some(&[PROTOCOL])),
    ("precinto-api", Some(&[PROTOCOL])),
    ("precinto-server", None),
    ("precinto-architecture-tests", None),
    ("precinto-chaos", None),
    ("precinto-checkers", Some(&[PROTOCOL, "precinto-consensus"])),
    (MUTATION, Some(&[])),
    ("precinto-cluster-tests", None),
    ("precinto-simulation", None),
    ("precinto-fuzzing", None),
    ("precinto-load", None),
    ("precinto-news", None),
    ("precinto-bench-report", None),
    ("precinto-steps", None),
];

/// The same for the contracts' workspace. `testing` runs modules in the node's engine.
const CONTRACTS: &[(&str, Option<&[&str]>)] = &[
    ("precinto-aeo", Some(&[CONTRACT, PROTOCOL])),
    ("precinto-governance", Some(&[CONTRACT, PROTOCOL])),
    ("precinto-probe", Some(&[CONTRACT, PROTOCOL])),
    ("precinto-contract-testing", Some(&[CONTRACT, PROTOCOL, "precinto-vm"])),
];

/// Never behind these crates, at any distance: they are the same on every node because nothing
/// in them waits, listens, stores or throws dice.
const PURE: [&str; 4] = [PROTOCOL, CONTRACT, "precinto-vm", "precinto-execution"];
const IMPURE: [&str; 9] =
    ["axum", "getrandom", "libp2p", "mio", "rand", "rand_core", "reqwest", "rocksdb", "tokio"];

fn check_directions(manifest: &str, rules: &[(&str, Option<&[&str]>)]) {
    let members = Metadata::of(manifest).members();
    let known: BTreeSet<&str> = rules.iter().map(|(name, _)| *name).collect();
    let there: BTreeSet<&str> = members.keys().map(String::as_str).collect();
    assert_eq!(there, known, "{manifest}: every crate has a rule here, and every rule a crate");

    for (name, allowed) in rules {
        let Some(allowed) = allowed else { continue };
        let ours = members[*name].iter().filter(|dependency| dependency.starts_with("precinto-"));
        for dependency in ours.filter(|dependency| *dependency != MUTATION) {
            assert!(
                allowed.contains(&dependency.as_str()),
                "{name} must not depend on {dependency}: see the dependency directions"
            );
        }
    }
}

#[test]
fn the_main_workspace_keeps_the_directions() {
    check_directions("Cargo.toml", MAIN);
}

#[test]
fn the_contracts_keep_the_directions() {
    check_directions("contracts/Cargo.toml", CONTRACTS);
}

#[test]
fn nothing_depends_on_server_tests_or_benches() {
    let tops: BTreeSet<&str> =
        MAIN.iter().filter(|(_, allowed)| allowed.is_none()).map(|(name, _)| *name).collect();
    for (name, direct) in Metadata::of("Cargo.toml").members() {
        let upward = direct.iter().find(|dependency| tops.contains(dependency.as_str()));
        assert!(upward.is_none() || tops.contains(name.as_str()), "{name} depends on {upward:?}");
    }
}

/// What is built without asking for them has no deliberate bugs.
#[test]
fn deliberate_bugs_are_in_no_default_build() {
    let metadata = Metadata::of("Cargo.toml");
    let takers: Vec<String> = metadata.takers_of(MUTATION);
    assert!(takers.len() >= 4, "the graph is not read right: {takers:?}");
    for name in metadata.members().keys().filter(|name| *name != MUTATION) {
        assert!(!metadata.closure(name).contains(MUTATION), "{name} is built with deliberate bugs");
    }
}

#[test]
fn deterministic_crates_are_far_from_clocks_sockets_and_dice() {
    let metadata = Metadata::of("Cargo.toml");
    for name in PURE {
        let closure = metadata.closure(name);
        assert!(closure.contains("minicbor"), "{name}: the graph is not read right");
        let found = IMPURE.iter().find(|impure| closure.contains(**impure));
        assert_eq!(found, None, "behind {name}");
    }
    // raft draws its election time-outs itself, so `rand` is behind this one; no more than that.
    let consensus = metadata.closure("precinto-consensus");
    assert!(consensus.contains("rand"), "then consensus belongs among the pure crates");
    for impure in ["axum", "libp2p", "mio", "reqwest", "rocksdb", "tokio"] {
        assert!(!consensus.contains(impure), "{impure} is behind precinto-consensus");
    }
    let direct = &metadata.members()["precinto-consensus"];
    assert!(!direct.contains("rand") && !direct.contains("getrandom"));
}
