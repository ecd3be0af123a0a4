//! Storage on disk: blocks, the Raft log, snapshots.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use precinto_core::apply::prepare;
use precinto_execution::precheck;
use precinto_steps::{BLOCK_TRANSACTIONS, Network, Node, committed, step, theme};
use precinto_storage::{LogBatch, LogEntry, snapshot};

/// Certifications on the ledger that a snapshot is made of.
const RECORDS: u64 = 10_000;

fn blocks(criterion: &mut Criterion) {
    let mut network = Network::new();
    let mut node = Node::new(&network);
    let keys = network.tools.keys.clone();
    let mut group = theme(criterion, "storage");
    group.throughput(Throughput::Elements(BLOCK_TRANSACTIONS as u64));
    group.bench_function(step("execute and commit a block of 100", "8000 us"), |b| {
        b.iter_batched(
            || {
                let block = network.block(BLOCK_TRANSACTIONS);
                prepare(committed(&block), |items| {
                    items.iter().map(|item| precheck(item, &keys)).collect()
                })
            },
            |job| node.applier.apply(job).expect("executed"),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn raft_log(criterion: &mut Criterion) {
    let mut network = Network::new();
    let node = Node::new(&network);
    let payload = network.block(BLOCK_TRANSACTIONS).encode();
    let mut group = theme(criterion, "storage");
    group.throughput(Throughput::Bytes(payload.len() as u64));
    for (name, budget, sync) in [
        ("write a raft entry of 100, synced", "1100 us", true),
        ("write a raft entry of 100, not synced", "550 us", false),
    ] {
        group.bench_function(step(name, budget), |b| {
            b.iter(|| {
                let index = node.raft_log.last_index() + 1;
                let entries = vec![LogEntry { index, term: 1, payload: payload.clone() }];
                let batch = LogBatch { entries, sync, ..LogBatch::default() };
                node.raft_log.append(&[batch]).expect("a disk");
            });
        });
    }
    group.finish();
}

fn snapshots(criterion: &mut Criterion) {
    let mut network = Network::new();
    let node = Node::with_records(&mut network, RECORDS);
    let view = node.ledger.view();
    let build = || {
        let mut bytes = 0;
        let built = snapshot::build(&view, |chunk| {
            bytes += chunk.len() as u64;
            Ok(())
        });
        built.map(|_| bytes).expect("a snapshot")
    };
    let mut group = theme(criterion, "storage");
    group.throughput(Throughput::Bytes(build()));
    group.bench_function(step("snapshot of 10,000 records", "50 ms"), |b| b.iter(build));
    group.finish();
}

criterion_group!(benches, blocks, raft_log, snapshots);
criterion_main!(benches);
