//! The state tree and the log.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use precinto_protocol::{
    hash::{Hash, tagged},
    log::{Frontier, inclusion_proof, leaf_hash, verify_inclusion},
    state::{Entry, StateKey, Trie},
};
use precinto_steps::{step, theme};

/// Keys changed by one update: a block of 200 transactions.
const CHANGED: u64 = 1_000;

/// Leaves of the log that proofs are made from.
const LEAVES: u64 = 100_000;

fn key(number: u64) -> StateKey {
    let tag = tagged("precinto/steps", &[&number.to_be_bytes()]);
    let key = StateKey::new(2).component(b"authorization");
    key.and_then(|key| key.component(tag.as_bytes())).expect("it fits")
}

fn tree(criterion: &mut Criterion) {
    let mut group = theme(criterion, "state tree");
    group.throughput(Throughput::Elements(CHANGED));
    for (keys, name) in
        [(100_000, "change 1,000 of 10^5 keys"), (1_000_000, "change 1,000 of 10^6 keys")]
    {
        let mut sorted: Vec<StateKey> = (0..keys).map(key).collect();
        sorted.sort_unstable();
        let entries = sorted.iter().map(|key| (key, Entry::plain(b"value")));
        let trie = Trie::from_sorted(entries).expect("sorted");
        let mut round = 0;
        group.bench_function(step(name, "7000 us"), |b| {
            b.iter_batched(
                || {
                    round += 1;
                    let entry = Entry::plain(format!("value {round}").as_bytes());
                    let changed = (0..CHANGED).map(|at| (key(round * CHANGED + at), Some(entry)));
                    (trie.clone(), changed.collect::<Vec<_>>())
                },
                |(mut trie, changes)| {
                    trie.update(changes);
                    trie
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

fn log(criterion: &mut Criterion) {
    let mut group = theme(criterion, "log");
    let leaf = [7; 400];
    let mut frontier = Frontier::new();
    group.bench_function(step("append a leaf of 400 bytes", "0.5 us"), |b| {
        b.iter(|| frontier.append(leaf_hash(&leaf)));
    });
    let mut log = Frontier::new();
    let mut levels: Vec<Vec<Hash>> = Vec::new();
    for number in 0..LEAVES {
        log.append_with(leaf_hash(&number.to_be_bytes()), |level, _, hash| {
            let level = usize::from(level);
            levels.resize_with(levels.len().max(level + 1), Vec::new);
            levels[level].push(*hash);
        });
    }
    let node = |level: u8, index: u64| levels.get(usize::from(level))?.get(index as usize).copied();
    let index = LEAVES / 3;
    group.bench_function(step("prove a leaf of 10^5", "2.1 us"), |b| {
        b.iter(|| inclusion_proof(index, LEAVES, node));
    });
    let proof = inclusion_proof(index, LEAVES, node).expect("in the log");
    let (leaf, root) = (leaf_hash(&index.to_be_bytes()), log.root());
    group.bench_function(step("verify that proof", "3.2 us"), |b| {
        b.iter(|| verify_inclusion(&leaf, index, LEAVES, &proof, &root));
    });
    group.finish();
}

criterion_group!(benches, tree, log);
criterion_main!(benches);
