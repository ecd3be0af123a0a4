//! A short selection of worlds: they hold, they repeat themselves, and something goes wrong in them.

use std::collections::BTreeMap;

use precinto_simulation::{Report, add_counts, run_seeds};

/// Worlds of the selection: what a pipeline has time for. `make simulate` runs more.
const SELECTION: std::ops::Range<u64> = 0..60;

fn reports(seeds: std::ops::Range<u64>) -> BTreeMap<u64, Report> {
    let mut reports = BTreeMap::new();
    run_seeds(seeds, 2, |seed, report| {
        reports.insert(seed, report);
        true
    });
    reports
}

#[test]
fn the_same_seed_does_the_same() {
    let (first, second) = (reports(7..9), reports(7..9));
    let hashes = |reports: &BTreeMap<u64, Report>| -> Vec<u64> {
        reports.values().map(|report| report.trace_hash).collect()
    };
    assert_eq!(hashes(&first), hashes(&second));
    assert_ne!(first[&7].trace_hash, first[&8].trace_hash);
    let counts = |reports: &BTreeMap<u64, Report>| reports[&7].counts.clone();
    assert_eq!(counts(&first), counts(&second));
}

/// A simulation in which nothing fails finds nothing.
#[test]
fn the_selection_holds_and_faults_happen_in_it() {
    let mut total = BTreeMap::new();
    for (seed, report) in reports(SELECTION) {
        if let Some(failure) = report.failure(seed) {
            panic!("{failure}");
        }
        add_counts(&mut total, &report.counts);
    }
    for what in [
        "fault: kill",
        "fault: power failure",
        "fault: blackout",
        "fault: long outage",
        "fault: pause",
        "fault: partition",
        "fault: clogged link",
        "fault: clock jump",
        "fault: transfer",
        "processes ended by a write error",
        "damage found",
        "wiped disks refused",
        "messages lost",
        "messages doubled",
        "compactions",
        "snapshots installed",
        "group changes executed",
        "nodes replaced",
        "requests forwarded",
        "reads answered",
        "identity changes asked",
        "transactions that came to nothing",
    ] {
        let happened = total.get(what).copied().unwrap_or_default();
        assert!(happened > 0, "{what} never happened: {total:#?}");
    }
    let enough = |what: &str, least: u64| {
        let counted = total.get(what).copied().unwrap_or_default();
        assert!(counted >= least, "only {counted} {what}");
    };
    enough("elections", 2 * SELECTION.end);
    enough("transactions committed", 20 * SELECTION.end);
    enough("calls checked for linearizability", 20 * SELECTION.end);
}
